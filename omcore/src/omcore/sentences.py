"""The parts that the sentences of our errors are made of: near matches, lists, one line of safe text."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LIST = 12
"""How many names a sentence lists before it says how many more there are."""

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that could move a terminal's cursor, hide text or turn its direction."""


def nearest(asked: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like the one asked for, or `None` where none is near."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(asked.casefold()[:200], by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def near(asked: str, known: Iterable[str]) -> str:
    """The beginning of advice, `did you mean 'x'? `, or nothing where no known name is near."""
    name = nearest(asked, known)
    return f"did you mean {name!r}? " if name is not None else ""


def listed(names: Iterable[str], nothing: str = "none") -> str:
    """Name things in order: `'a', 'b', 'c'`; at most `LONGEST_LIST` of them, then `and 5 more`."""
    ordered = sorted(names)
    shown = ", ".join(map(repr, ordered[:LONGEST_LIST]))
    more = f" and {len(ordered) - LONGEST_LIST} more" if len(ordered) > LONGEST_LIST else ""
    return f"{shown}{more}" if ordered else nothing


def one_line(text: str, limit: int = 2000) -> str:
    """Put text of any origin on one line that is safe to print: no breaks, no control characters, no endless length."""
    flat = " ".join(text.split())
    safe = "".join(_shown(character) for character in flat)
    return safe if len(safe) <= limit else f"{safe[:limit]}..."


def _shown(character: str) -> str:
    return ascii(character)[1:-1] if unicodedata.category(character) in _UNSAFE else character


def reason(error: BaseException) -> str:
    """An error of any origin as `Type: first line of what it says`."""
    text = one_line(str(error), limit=300)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

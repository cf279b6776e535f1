"""Which globals a reader hands out, and the net below every codec that sees to it."""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from omcore.errors import CorruptBlobError, OmError, UnsupportedTypeError, UntrustedError
from omcore.objects.codecs.allowlist import known_globals
from omcore.objects.codecs.base import SupportsBatches, SupportsParts
from omcore.sentences import LONGEST_LIST, one_line, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from omcore.objects.codecs.base import Codec, Content, Query, Source, Trust

Global: TypeAlias = tuple[str, str]
"""A module and a name in it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which globals may be handed out, to whom, and what for."""

    allows: Callable[[Global], bool]
    trust: Trust
    what: str

    @classmethod
    def of(cls, trust: Trust, what: str) -> Rule:
        """What a reader allows: anything that is signed, else what is known or listed as trusted, exactly."""
        if trust.signed:
            return cls(_anything, trust, what)
        known, types = known_globals(), trust.types
        return cls(lambda found: found in known or ".".join(found) in types, trust, what)

    @classmethod
    def nothing(cls, trust: Trust, what: str) -> Rule:
        """What a plain kind needs."""
        return cls(_nothing, trust, what)

    def check(self, found: Iterable[Global]) -> None:
        """Refuse what is not allowed.

        Raises:
            UntrustedError: there is something; names it.
        """
        refused = sorted(f"{module}.{name}" for module, name in found if not self.allows((module, name)))
        if not refused:
            return
        more = f" and {len(refused) - LONGEST_LIST} more" if len(refused) > LONGEST_LIST else ""
        names = one_line(", ".join(refused[:LONGEST_LIST])) + more
        mend = self.trust.sentence or "to allow it, list its full name among the trusted types of the context"
        why = "which is not known to be harmless, and no trusted key signed it"
        raise UntrustedError(f"{self.what} refers to {names}, {why}; {mend}")


_RULE: ContextVar[Rule | None] = ContextVar("omcore_unpickling", default=None)


def read_value(codec: Codec, content: Content, source: Source, query: Query, trust: Trust) -> Any:
    """Let a codec read a value; one that is not ours is held to the reader's rules even where it unpickles on its own.

    Raises:
        UntrustedError: it would load what the reader does not allow; else as `Codec.decode`.
    """
    if _is_ours(codec):
        return codec.decode(content, source, query, trust)
    with guarded(trust, f"the {codec.kind}", codec.plain):
        return codec.decode(content, source, query, trust)


def read_batches(codec: Codec, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:
    """As `read_value`, a piece at a time; a kind that cannot be read in pieces comes as one."""
    if not isinstance(codec, SupportsBatches):
        yield read_value(codec, content, source, query, trust)
    elif _is_ours(codec):
        yield from codec.batches(content, source, query, trust)
    else:
        pieces = iter(codec.batches(content, source, query, trust))
        while True:
            with guarded(trust, f"the {codec.kind}", codec.plain):
                piece = next(pieces, _END)
            if piece is _END:
                return
            yield piece


def read_parts(codec: Codec, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:
    """As `read_value`, of some of the pieces of the content; what cannot be split is read whole."""
    if not isinstance(codec, SupportsParts):
        return read_value(codec, content, source, query, trust)
    if _is_ours(codec):
        return codec.decode_parts(content, source, query, trust, parts)
    with guarded(trust, f"the {codec.kind}", codec.plain):
        return codec.decode_parts(content, source, query, trust, parts)


_END = object()


def _is_ours(codec: Codec) -> bool:
    """Whether the codec is known to unpickle through the loaders alone; the net has a price that its readers pay."""
    return type(codec).__module__.startswith("omcore.objects.codecs.")


@contextmanager
def guarded(trust: Trust, what: str, plain: bool) -> Iterator[None]:
    """Refuse what the reader does not allow, whoever unpickles in this thread meanwhile.

    Args:
        trust: what the reader allows.
        what: what is read, for errors.
        plain: it is of a plain kind, so that nothing needs to be unpickled at all.
    """
    with net(Rule.nothing(trust, what) if plain else Rule.of(trust, what)):
        yield


@contextmanager
def net(rule: Rule) -> Iterator[None]:
    """Hold everyone who unpickles in this thread to a rule."""
    _install_hook()
    token = _RULE.set(rule)
    try:
        yield
    finally:
        _RULE.reset(token)


@functools.cache
def _install_hook() -> None:
    """Watch this process from now on; a hook cannot be taken away."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "pickle.find_class" and (rule := _RULE.get()) is not None:
        rule.check([(str(arguments[0]), str(arguments[1]))])


def _anything(_found: Global) -> bool:
    return True


def _nothing(_found: Global) -> bool:
    return False


def translated(call: Callable[[], Any], what: str) -> Any:
    """Call a loader, and turn whatever it raises for what it cannot load into an error of ours.

    Raises:
        UnsupportedTypeError: a library that it needs is missing here.
        CorruptBlobError: it cannot be loaded.
    """
    try:
        return call()
    except OmError:
        raise
    except (ImportError, AttributeError) as error:
        message = f"{what} needs what is not installed here ({reason(error)}); install the library it was made with"
        raise UnsupportedTypeError(message) from error
    except Exception as error:
        mend = "store it again, or restore it from a backup"
        raise CorruptBlobError(f"{what} cannot be loaded ({reason(error)}); {mend}") from error

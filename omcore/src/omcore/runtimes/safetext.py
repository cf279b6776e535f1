"""Text of users' code in a form that may leave the worker: every storage takes it, and no address says a password."""

from __future__ import annotations

from omcore.masking import MASK, mask_addresses


def safe_text(text: str) -> str:
    """Text that JSON and every storage take, without secrets: a name of a file may hold halves of characters."""
    return mask_addresses(text.encode("utf-8", "backslashreplace").decode())


def shortened(text: str, limit: int) -> str:
    """Safe text of about so many characters: the first and the last half, and how much is missing in between."""
    if len(text) <= limit:
        return safe_text(text)
    return joined(text[: limit - limit // 2], len(text) - limit, text[-(limit // 2) :])


def joined(head: str, left_out: int, tail: str) -> str:
    """Safe text out of the two ends of a longer one; a line says how many characters are missing."""
    return f"{safe_text(_hide_end(head))}\n... {left_out} characters left out ...\n{safe_text(_hide_start(tail))}"


def beginning(text: str, limit: int) -> str:
    """The first so many characters as safe text."""
    return safe_text(text if len(text) <= limit else _hide_end(text[:limit]))


def last_word(text: str) -> str:
    """What follows the last white space; nothing where the text ends with that."""
    return "" if not text or text[-1].isspace() else text.rsplit(maxsplit=1)[-1]


def _hide_end(text: str) -> str:
    """Hide the rest of an address that was cut off, since its password may have been cut in two."""
    word = last_word(text)
    scheme, slashes, _ = word.partition("://")
    return f"{text.removesuffix(word)}{scheme}{slashes}{MASK}" if slashes else text


def _hide_start(text: str) -> str:
    """Hide the start of a word that may be the end of a password."""
    word = "" if text[:1].isspace() else text.split(maxsplit=1)[0]
    _, at, place = word.rpartition("@")
    return f"{MASK}@{place}{text.removeprefix(word)}" if at else text

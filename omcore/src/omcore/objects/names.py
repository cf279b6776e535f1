"""Which names are allowed, decided here and nowhere else.

A name is data: no file and no query is ever called by it (see `keys`), so the rules exist for people. A name shows all
its characters, is one name however it was typed, and stands in a reference without quotes.
"""

from __future__ import annotations

import re
import reprlib
import unicodedata
from functools import lru_cache

from omcore.errors import InvalidNameError
from omcore.sentences import listed, near, one_line

STORES = ("datasets", "models", "jobs", "scripts")
"""The stores of a bucket."""

LONGEST_NAME = 200
"""Bytes of UTF-8 that an object's name may have."""

SYNTAX = frozenset("[]@,:\\")
"""What references are made of, and what other systems take for a path."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SEPARATORS = frozenset({"Zl", "Zp"})
_MARKS = frozenset({"Mn", "Mc", "Me"})
_INVISIBLE = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
"""Letters, symbols and marks that show nothing; all other invisible characters are told by their category."""


def check_name(name: str) -> str:
    """The canonical form (Unicode NFC) of an object's name.

    A name has 1 to 200 bytes of UTF-8 and is one or more segments joined by `/`. It holds no character that cannot be
    seen, none of `[ ] @ , :` and no backslash, and no blank at either end of a segment. Names that begin with `_om`,
    and segments that begin with `.`, are reserved.

    Raises:
        InvalidNameError: the name breaks a rule; says which.
    """
    if not isinstance(name, str):
        raise InvalidNameError(f"an object's name is text, not {type(name).__name__}; give a name such as 'sales'")
    return _canonical(str(name)) if len(name) <= LONGEST_NAME * 4 else _canonical.__wrapped__(name)


@lru_cache(4096)
def _canonical(name: str) -> str:
    canonical = name if len(name) > LONGEST_NAME * 4 else nfc(name)  # no canonical form is shorter than a quarter
    fault = _length_fault(canonical) or _character_fault(canonical) or _segment_fault(canonical)
    if fault:
        raise InvalidNameError(f"{shown(name)} cannot be the name of an object: {fault}")
    return canonical


def nfc(text: str) -> str:
    """Text in the canonical form of names."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def check_store(store: str) -> str:
    """The name of a store, as it is.

    Raises:
        InvalidNameError: there is no such store.
    """
    if store not in STORES:
        raise InvalidNameError(
            f"there is no store {shown(store)}; {near(str(store), STORES)}there are {listed(STORES)}"
        )
    return store


def check_bucket(bucket: str) -> str:
    """The name of a bucket, as it is.

    Raises:
        InvalidNameError: it is not of the form that `check_plain` asks for.
    """
    return check_plain(bucket, "a bucket")


def check_alias(alias: str) -> str:
    """An alias of a version, as it is: a plain name that is not a number.

    Raises:
        InvalidNameError: it is not of that form.
    """
    if check_plain(alias, "an alias").isdigit():
        raise InvalidNameError(f"{shown(alias)} cannot be the name of an alias: it is a version number; add a letter")
    return alias


def check_plain(name: str, what: str) -> str:
    """A name of 1 to 64 ASCII letters, digits, `_`, `.` and `-`, which begins with a letter or a digit.

    Args:
        name: the name.
        what: whose name it is, for the error: `a bucket`.

    Raises:
        InvalidNameError: it is not of that form.
    """
    if not isinstance(name, str) or not _PLAIN.fullmatch(name):
        rule = "1 to 64 of the letters A to Z and a to z, digits, '_', '.' and '-', the first a letter or a digit"
        raise InvalidNameError(f"{shown(name)} cannot be the name of {what}: use {rule}")
    return name


def shown(name: object) -> str:
    """A name or value of any origin, quoted, for a sentence: short, and safe to print."""
    if isinstance(name, str):
        return one_line(repr(f"{name[:80]}..." if len(name) > 80 else name))
    return one_line(reprlib.repr(name), 200)


def _length_fault(name: str) -> str:
    if not name:
        return "it is empty"
    size = len(name.encode("utf-8", "surrogatepass"))
    return f"it has {size} bytes but may have at most {LONGEST_NAME}" if size > LONGEST_NAME else ""


def _character_fault(name: str) -> str:
    for character in name:
        if character in SYNTAX:
            return f"it holds {character!r}, and '[', ']', '@', ',', ':' and '\\' are for references and paths"
        if not _visible(character):
            return f"it holds the character U+{ord(character):04X}, which cannot be seen"
    return ""


def _visible(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    category = unicodedata.category(character)  # C: control, format, surrogate, private, not (yet) assigned
    return category[0] != "C" and category not in _SEPARATORS and character not in _INVISIBLE


def _segment_fault(name: str) -> str:
    if name.startswith("_om"):
        return "names that begin with '_om' are reserved"
    for segment in name.split("/"):
        if not segment:
            return "a '/' must stand between two segments that are not empty"
        if segment.startswith("."):
            return "'.', '..' and segments that begin with '.' are reserved"
        if segment != segment.strip():
            return "a segment begins or ends with a blank"
        if unicodedata.category(segment[0]) in _MARKS:
            return "a segment begins with a combining mark"
    return ""

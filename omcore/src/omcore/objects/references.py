"""References: how an object, a version of it, or some of its columns are named in one piece of text.

sales                 the current version
sales@3               version 3
sales@champion        the version that the alias points at
sales[x,y]@3          two of its columns; a name with unusual characters is a JSON string: sales["a,b"]
om://prod/omega/datasets/sales@3      the same with context, bucket and store
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from omcore.errors import InvalidReferenceError
from omcore.masking import mask_addresses
from omcore.objects.keys import head_key, history_key, version_key
from omcore.objects.names import (
    STORES,
    check_alias,
    check_bucket,
    check_name,
    check_plain,
    check_store,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "STORES",
    "Pin",
    "Reference",
    "check_alias",
    "check_bucket",
    "check_columns",
    "check_name",
    "check_number",
    "check_store",
    "head_key",
    "history_key",
    "parse_reference",
    "version_key",
]

SCHEME = "om://"
LONGEST_REFERENCE = 1 << 16
"""Characters above which no text is read as a reference."""

HIGHEST_VERSION = 10**10 - 1
"""The highest number that a key has room for."""

_FORM = re.compile(r"(?P<name>[^\[\]@]*)(?P<rest>.*)", re.DOTALL)
_VERSION = re.compile(r"@(?P<version>[^@\[\]]*)", re.DOTALL)
_COLUMN = re.compile(r'(?:\s*(?P<quoted>"(?:[^"\\]|\\.)*")\s*|(?P<bare>[^"\[\],]*))(?P<end>[,\]])', re.DOTALL)
_BARE = re.compile(r'(?![\s"])[^"\[\],@]*(?<!\s)')


@dataclass(frozen=True, slots=True)
class Reference:
    """A name, and what of it is meant. One that exists is valid, and its name is in canonical form.

    Attributes:
        name: the object's name.
        version: a number, an alias, or `None` for the current version.
        columns: a projection, in this order; `None` for all.
        store: `datasets`, `models`, `jobs` or `scripts`; empty for the store that is asked.
        bucket: the bucket; empty for the one that is asked.
        context: the context; empty for the one that is asked.
    """

    name: str
    version: int | str | None = None
    columns: tuple[str, ...] | None = None
    store: str = ""
    bucket: str = ""
    context: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", check_name(self.name))
        if isinstance(self.version, str):
            check_alias(self.version)
        elif self.version is not None:
            check_number(self.version)
        if self.columns is not None:
            object.__setattr__(self, "columns", check_columns(self.columns))
        if self.store or self.bucket or self.context:
            check_plain(self.context, "a context")
            check_bucket(self.bucket)
            check_store(self.store)

    def __str__(self) -> str:
        place = f"{SCHEME}{self.context}/{self.bucket}/{self.store}/" if self.store else ""
        return f"{place}{self.name}{_projection(self.columns)}{'' if self.version is None else f'@{self.version}'}"


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of an object for certain, whatever its name points at later.

    Attributes:
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's canonical name.
        version: the number.
        id: the version's id.
        columns: a projection; `None` for all.
    """

    store: str
    name: str
    version: int
    id: str
    columns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_store(self.store)
        object.__setattr__(self, "name", check_name(self.name))
        check_number(self.version)
        if self.columns is not None:
            object.__setattr__(self, "columns", check_columns(self.columns))

    def __str__(self) -> str:
        return f"{self.store}/{self.name}{_projection(self.columns)}@{self.version}"


def parse_reference(text: str | Reference) -> Reference:
    """Read a reference; one that is read already is returned as it is.

    `str()` of the result is the canonical form, and reads back as an equal reference. The projection may also stand
    after the version (`sales@3[x]`).

    Raises:
        InvalidReferenceError: the text does not have the form of a reference.
        InvalidNameError: one of the names in it is not allowed.
    """
    if isinstance(text, Reference):
        return text
    if not isinstance(text, str):
        raise InvalidReferenceError(f"a reference is text such as 'sales[x]@3', not {type(text).__name__}")
    if len(text) > LONGEST_REFERENCE:
        raise _unreadable(text, f"it has {len(text)} characters but may have at most {LONGEST_REFERENCE}")
    return _parse(str(text))


@lru_cache(1024)
def _parse(text: str) -> Reference:
    context, bucket, store, rest = _place(text)
    form = _FORM.fullmatch(rest)
    name, tail = (form["name"], form["rest"]) if form else (rest, "")
    version: int | str | None = None
    columns: tuple[str, ...] | None = None
    while tail:
        if tail[0] == "[" and columns is None:
            columns, tail = _read_columns(text, tail[1:])
        elif (match := _VERSION.match(tail)) and version is None:
            version, tail = _read_version(text, match["version"]), tail[match.end() :]
        else:
            raise _unreadable(text, f"{shown(tail)} cannot follow; write the name, then [columns], then @version")
    return Reference(name, version, columns, store, bucket, context)


def check_number(number: int) -> int:
    """A version's number, as it is.

    Raises:
        InvalidReferenceError: it is none.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= HIGHEST_VERSION:
        raise InvalidReferenceError(f"{shown(number)} is no version: versions count from 1; give a number or an alias")
    return number


def check_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """A projection, as a tuple.

    Raises:
        InvalidReferenceError: it names no column, a column twice, or something that is not text.
    """
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    if not names:
        raise InvalidReferenceError("a projection names no column; name one, or leave the projection out for all")
    for name in names:
        if not isinstance(name, str):
            raise InvalidReferenceError(f"a projection names columns by text, not by {shown(name)}; give their names")
        if not _encodable(name):
            raise InvalidReferenceError(f"a projection names the column {shown(name)}, which is no valid Unicode text")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidReferenceError(f"a projection names the column {shown(twice)} twice; name it once")
    return names


def _place(text: str) -> tuple[str, str, str, str]:
    """Context, bucket, store, and what follows them."""
    if not text.startswith(SCHEME):
        if "://" in text.partition("[")[0]:  # perhaps with a password in it
            raise _unreadable(mask_addresses(text), "it is the address of something else; write a name, or om://...")
        return "", "", "", text
    pieces = text.removeprefix(SCHEME).split("/", 3)
    if len(pieces) < 4 or not all(pieces[:3]):
        raise _unreadable(text, "write om://context/bucket/store/name")
    return pieces[0], pieces[1], pieces[2], pieces[3]


def _read_version(text: str, version: str) -> int | str:
    if not version:
        raise _unreadable(text, "nothing follows '@'; name a version or an alias")
    if not (version.isascii() and version.isdigit()):
        return version
    if len(version) > len(str(HIGHEST_VERSION)):
        raise _unreadable(text, f"no version has a number of {len(version)} digits")
    return int(version)


def _read_columns(text: str, tail: str) -> tuple[tuple[str, ...], str]:
    """The columns up to the closing bracket, and what follows it."""
    columns: list[str] = []
    position = 0
    while match := _COLUMN.match(tail, position):
        column = _unquote(text, match["quoted"]) if match["quoted"] else match["bare"].strip()
        if not column and not match["quoted"]:
            raise _unreadable(text, 'a column has no name; a column whose name is empty is written ""')
        columns.append(column)
        position = match.end()
        if match["end"] == "]":
            return check_columns(columns), tail[position:]
    raise _unreadable(text, 'the projection has no end; close it with "]", and write unusual names as JSON strings')


def _unquote(text: str, quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise _unreadable(text, f"{shown(quoted)} is no JSON string") from error


def _projection(columns: tuple[str, ...] | None) -> str:
    return "" if columns is None else f"[{','.join(map(_quote, columns))}]"


def _quote(column: str) -> str:
    bare = column and column.isprintable() and _BARE.fullmatch(column)
    return column if bare else json.dumps(column)


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _unreadable(text: str, why: str) -> InvalidReferenceError:
    return InvalidReferenceError(f"{shown(text)} cannot be read as a reference: {why}")

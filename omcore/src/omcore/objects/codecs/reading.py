"""What every codec needs to read a part, and to refuse what it was not made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from omcore.errors import ColumnNotFoundError, CorruptBlobError, InvalidFilterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.objects.codecs.base import Content, Part, Query, Source

T = TypeVar("T")

PIECE = 4 << 20
"""Bytes that are handed over at a time when a value is streamed."""


def pieces(data: memoryview | bytes) -> Iterator[memoryview]:
    """Cut bytes into pieces without copying them."""
    view = memoryview(data)
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]


def read_part(source: Source, part: Part) -> bytes:
    """The whole of a part.

    Raises:
        CorruptBlobError: there are more bytes, or fewer, than were written.
    """
    with source.open(part) as stream:
        data = stream.read()
    if len(data) != part.size:
        message = f"a part has {len(data)} bytes but {part.size} were written; restore it from a backup"
        raise CorruptBlobError(message)
    return data


def from_file(source: Source, part: Part, use: Callable[[Path], T], *, whole: bool = True) -> T | None:
    """What `use` makes of a part's local file; `None` where there is none, or none any more: then it is to be opened.

    Args:
        source: where the part is.
        part: the part; it is not empty.
        use: opens the file, or maps it into memory.
        whole: see `Source.path`.
    """
    path = source.path(part, whole=whole)
    try:
        return None if path is None else use(path)
    except FileNotFoundError:
        return None


def read_into(stream: BinaryIO, target: memoryview) -> None:
    """Fill `target` from a stream, without a copy in between where the stream allows it.

    Raises:
        CorruptBlobError: the stream ends before the target is full.
    """
    readinto = getattr(stream, "readinto", None)
    done = 0
    while done < len(target):
        if readinto is not None:
            count = readinto(target[done:])
        else:
            piece = stream.read(min(PIECE, len(target) - done))
            count = len(piece)
            target[done : done + count] = piece
        if not count:
            message = f"a part ends after {done} bytes but {len(target)} were expected; restore it from a backup"
            raise CorruptBlobError(message)
        done += count


def only_part(content: Content) -> Part:
    """The part of content that has exactly one.

    Raises:
        CorruptBlobError: it has none, or several.
    """
    if len(content.parts) != 1:
        raise malformed(content.kind, f"{len(content.parts)} parts where there is one")
    return content.parts[0]


def detail(content: Content, name: str, kind: type | tuple[type, ...]) -> Any:
    """One of the content's details, which must be there and be of a type.

    Raises:
        CorruptBlobError: it is missing, or of another type.
    """
    value = content.details.get(name)
    if not isinstance(value, kind):
        raise malformed(content.kind, f"its detail {name!r} is {value!r}")
    return value


def malformed(kind: str, what: str) -> CorruptBlobError:
    """The error for content that is not what its kind says."""
    return CorruptBlobError(f"the content is no readable {kind}: {what}; store it again, or restore it from a backup")


def refuse_query(kind: str, query: Query) -> None:
    """Refuse a projection or a filter of content that has neither rows nor columns.

    Raises:
        ColumnNotFoundError: columns were asked for.
        InvalidFilterError: rows were asked for.
    """
    if query.columns is not None:
        columns = ",".join(query.columns)
        message = f"columns [{columns}] were asked for but a {kind} has no columns; ask for the whole object"
        raise ColumnNotFoundError(message)
    if query.filter is not None:
        message = f"a filter was given but a {kind} has no rows to filter; ask for the whole object"
        raise InvalidFilterError(message)

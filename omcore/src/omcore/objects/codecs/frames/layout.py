"""What the details of a frame say: its columns, its index, and the types of both."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from omcore.objects.codecs.frames.axes import AXES, Axis
from omcore.objects.codecs.frames.columntypes import describe_type
from omcore.objects.codecs.frames.container import UNREADABLE, read_table, write_table
from omcore.objects.codecs.frames.infer import TYPES
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omcore.objects.codecs.base import Content, Part, Sink, Source
    from omcore.objects.codecs.frames.columntypes import ColumnType
    from omcore.objects.codecs.frames.infer import Column

FORMAT = 1
"""The form of the details; a reader refuses a higher one."""

MOST_FIELDS = 10_000_000
"""More columns than this are not believed."""

ROWS = "rows"
"""The name of the parts that hold rows, before the dot."""

AXIS = "columns"
"""The name of the part that holds the names of the columns, where they are not all text, before the dot."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the parts become a frame.

    Attributes:
        columns: the names of the columns.
        fields: the type of each column; its field in the parts is called `c0`, `c1`, ...
        index: the index; the fields of its levels are called `i0`, `i1`, ...
        attrs: the attributes of the frame, as JSON text; empty for none.
        unique: the frame forbids labels that occur twice.
    """

    columns: Axis
    fields: tuple[ColumnType, ...]
    index: Axis
    attrs: str = ""
    unique: bool = False

    def describe(self, writer: DictionaryWriter) -> dict[str, Any]:
        """The layout as JSON; equal types that follow each other are written once."""
        runs = [(kind, len(list(same))) for kind, same in groupby(self.fields)]
        details: dict[str, Any] = {
            "format": FORMAT,
            "columns": {"form": self.columns.name, **self.columns.describe(writer)},
            "fields": [[count, describe_type(kind, writer)] for kind, count in runs],
            "index": {"form": self.index.name, **self.index.describe(writer)},
        }
        extra = {"attrs": self.attrs, "unique": self.unique}
        return details | {key: value for key, value in extra.items() if value}

    @classmethod
    def read(cls, content: Content, source: Source) -> Self:
        """Read what `describe` wrote.

        Raises:
            CorruptBlobError: it is no such thing, or a newer release wrote it.
        """
        details = content.details
        if details.get("format") != FORMAT:
            raise malformed(content.kind, f"it has format {details.get('format')!r}, this release reads {FORMAT}")
        reader = DictionaryReader(content, source)
        try:
            if sum(count for count, _ in details["fields"]) > MOST_FIELDS:
                raise ValueError(f"more than {MOST_FIELDS} columns")
            fields = chain.from_iterable([reader.type(kind)] * count for count, kind in details["fields"])
            return cls(
                _read_axis(details["columns"], reader),
                tuple(fields),
                _read_axis(details["index"], reader),
                str(details.get("attrs", "")),
                bool(details.get("unique", False)),
            )
        except UNREADABLE as error:
            raise malformed(content.kind, f"its details say {type(error).__name__} {error}") from error

    @property
    def types(self) -> dict[str, ColumnType]:
        """The type of every field of the parts."""
        columns = {f"c{number}": kind for number, kind in enumerate(self.fields)}
        return columns | {f"i{number}": level.type for number, level in enumerate(self.index.levels)}


def _read_axis(described: Mapping[str, Any], reader: DictionaryReader) -> Axis:
    return AXES[described["form"]].read(described, reader)


class DictionaryWriter:
    """Writes the dictionaries of a frame as parts.

    Attributes:
        parts: those that were written.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.parts: list[Part] = []

    def dictionary(self, values: pa.Array | pa.ChunkedArray) -> str:
        """Write a dictionary, and say under which name it is found."""
        name = f"dictionary-{len(self.parts)}"
        self.parts.append(write_table(pa.table({"values": values}), self._sink, name))
        return name


class DictionaryReader:
    """Reads the dictionaries of a frame, and the types that refer to them."""

    def __init__(self, content: Content, source: Source) -> None:
        self._content = content
        self._source = source

    def dictionary(self, name: str) -> pa.ChunkedArray:
        """Read a dictionary."""
        for part in self._content.parts:
            if part.name.rpartition(".")[0] == name:
                return read_table(part, self._source, ["values"]).column(0)
        raise ValueError(f"there is no part {name!r}")

    def type(self, described: Mapping[str, Any]) -> ColumnType:
        """Read a type."""
        return TYPES[described["type"]].read(described, self)


def is_dictionary(part: Part) -> bool:
    """Say whether a part is a dictionary."""
    return part.name.startswith("dictionary-")


def row_parts(content: Content) -> list[Part]:
    """The parts that hold rows, in order."""
    return [part for part in content.parts if part.name.rpartition(".")[0] == ROWS]


def rows_of_parts(content: Content) -> Sequence[int]:
    """The rows of each part that holds rows; what has rows but no such part counts as one part."""
    return [part.rows or 0 for part in row_parts(content)] or [content.rows or 0]


def fields_of(columns: Sequence[Column], levels: Sequence[Column]) -> dict[str, Column]:
    """Columns and levels by the names they have in the parts."""
    named: Iterator[tuple[str, Column]] = chain(
        ((f"c{number}", column) for number, column in enumerate(columns)),
        ((f"i{number}", column) for number, column in enumerate(levels)),
    )
    return dict(named)

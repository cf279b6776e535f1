"""Arrow tables: their schema as it is, metadata and all, and their rows as parts like those of frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.frames.columntypes import flat
from omcore.objects.codecs.frames.container import read_table, translated, write_table
from omcore.objects.codecs.frames.extensions import ArrowType
from omcore.objects.codecs.frames.filtering import fit
from omcore.objects.codecs.frames.infer import Column
from omcore.objects.codecs.frames.layout import row_parts, rows_of_parts
from omcore.objects.codecs.frames.rowreader import RowReader, joined
from omcore.objects.codecs.frames.rows import write_rows
from omcore.objects.codecs.frames.selection import Names
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omcore.objects.codecs.base import Part, Query, Sink, Source, Trust

SCHEMA = "schema"
"""The name of the part that holds the schema, before the dot."""


class TableCodec(Codec):
    """Every type comes back as it went in; how the rows are cut into chunks is not kept."""

    api_version = 1
    kind = "arrow.table"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        table = _checked(value)
        schema = write_table(table.schema.empty_table(), sink, SCHEMA)
        return Content(
            self.kind,
            (schema, *_write(table, sink)),
            {"columns": _names(table.schema).titles(_types(table.schema))},
            rows=table.num_rows,
        )

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        reader = _TableReader(content, source, query)
        return reader.table(joined(list(reader.pieces(whole=True)), reader.types, reader.fields).table)

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        """Add rows; the parts there are stay."""
        table = _checked(value)
        schema = _schema(content, source)
        if not schema.equals(table.schema):
            told = "; ".join(_differences(schema, table.schema))
            raise UnsupportedTypeError(
                f"the rows to append have another schema than the dataset: {told}; cast them first"
            )
        rows = (content.rows or 0) + table.num_rows
        return replace(content, parts=(*content.parts, *_write(table, sink)), rows=rows)

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:  # noqa: ARG002 - plain
        """Read some rows at a time, each time as a table."""
        reader = _TableReader(content, source, query)
        for piece in reader.pieces(whole=False):
            yield reader.table(piece.table)

    def part_rows(self, content: Content) -> Sequence[int]:
        """The rows of each part."""
        return rows_of_parts(content)

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:  # noqa: ARG002 - plain
        """Read some of the parts."""
        reader = _TableReader(content, source, query, parts)
        return reader.table(joined(list(reader.pieces(whole=True)), reader.types, reader.fields).table)

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:  # noqa: ARG002 - nothing is written
        """Put tables of one schema together, one after the other, sharing their parts."""
        first, *others = contents
        schema = _schema(first, source)
        for content in others:
            found = _schema(content, source)
            if not schema.equals(found, check_metadata=True):
                told = "; ".join(_differences(schema, found)) or "their metadata"
                raise UnsupportedTypeError(
                    f"the tables to put together differ in their schema: {told}; cast them first"
                )
        rows = [part for content in contents for part in row_parts(content)]
        schemas = [part for part in first.parts if part not in row_parts(first)]
        return replace(first, parts=(*schemas, *rows), rows=sum(content.rows or 0 for content in contents))


class _TableReader:
    """Reads one table."""

    def __init__(self, content: Content, source: Source, query: Query, chosen: slice | None = None) -> None:
        self._schema = _schema(content, source)
        self.types = _types(self._schema)
        names = _names(self._schema)
        self.fields = list(self.types) if query.columns is None else names.fields(query.columns)
        self._predicate = None if query.filter is None else fit(query.filter, names, self.types)
        self._parts = row_parts(content) if chosen is None else row_parts(content)[chosen]
        self._rows = RowReader(content.kind, source, self.types, None)

    def pieces(self, whole: bool) -> Any:
        """The rows that are asked for."""
        return self._rows.pieces(self._parts, self.fields, self._predicate, whole)

    def table(self, rows: pa.Table) -> pa.Table:
        """Rows with the names and the metadata that they had."""
        fields = [self._schema.field(int(field[1:])) for field in self.fields]
        return pa.Table.from_arrays(rows.columns, schema=pa.schema(fields, self._schema.metadata))


def _checked(value: Any) -> pa.Table:
    if not isinstance(value, pa.Table):
        message = f"a {type(value).__qualname__} is no Arrow table; convert it to a pyarrow.Table first"
        raise UnsupportedTypeError(message)
    if not value.num_columns:
        raise UnsupportedTypeError("a table without columns has no rows to keep; give it a column")
    return value


def _write(table: pa.Table, sink: Sink) -> Sequence[Part]:
    columns = {f"c{number}": Column(ArrowType(column.type), array=flat(column)) for number, column in enumerate(table)}
    return write_rows(columns, table.num_rows, sink)


def _types(schema: pa.Schema) -> dict[str, ArrowType]:
    return {f"c{number}": ArrowType(field.type) for number, field in enumerate(schema)}


def _names(schema: pa.Schema) -> Names:
    return Names(schema.names, [])


def _schema(content: Content, source: Source) -> pa.Schema:
    part = next((part for part in content.parts if part.name.rpartition(".")[0] == SCHEMA), None)
    if part is None:
        raise malformed(content.kind, "the part with its schema is missing")
    with translated(part):
        schema: pa.Schema = read_table(part, source, None).schema
    return schema


def _kinds(schema: pa.Schema, name: str) -> list[str]:
    return [str(schema.field(position).type) for position in schema.get_all_field_indices(name)]


def _differences(there: pa.Schema, new: pa.Schema) -> Iterator[str]:
    for name in dict.fromkeys([*there.names, *new.names]):
        old, found = (
            [str(schema.field(at).type) for at in schema.get_all_field_indices(name)] for schema in (there, new)
        )
        if old != found:
            yield f"column {name!r} is {' and '.join(old) or 'not there'}, not {' and '.join(found) or 'there'}"
    if there.names != new.names and sorted(there.names) == sorted(new.names):
        yield "the columns are in another order"

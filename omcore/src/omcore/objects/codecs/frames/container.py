"""Tables as parts: Parquet for many rows, an Arrow stream for few and for types that Parquet does not keep."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from omcore.objects.codecs.reading import from_file, malformed, pieces, read_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omcore.objects.codecs.base import Part, Sink, Source

ARROW = "arrow"
PARQUET = "parquet"

FEW_CELLS = 4096
"""Tables of fewer cells are written as an Arrow stream, which costs less to write and to read."""

GROUP_BYTES = 32 << 20
"""Bytes of a table, about, that a reader has in memory at a time when it reads in batches."""

GROUP_ROWS = 1 << 18
"""Rows that it has at most."""


UNREADABLE = (
    *(pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError),
    NotImplementedError,
)
"""What Arrow, numpy and pandas raise for what they cannot read."""


def is_small(table: pa.Table) -> bool:
    """Say whether a table has few cells."""
    return bool(table.num_rows * max(1, table.num_columns) < FEW_CELLS)


def write_table(table: pa.Table, sink: Sink, name: str, statistics: Mapping[str, Any] | None = None) -> Part:
    """Write a table as one part; the part's name ends with the format it has."""
    parquet = table.num_columns > 0 and not is_small(table) and all(in_parquet(field.type) for field in table.schema)
    data = _parquet(table) if parquet else _arrow(table)
    form = PARQUET if parquet else ARROW
    return sink.add(pieces(memoryview(data)), name=f"{name}.{form}", rows=table.num_rows, statistics=statistics)


def read_table(part: Part, source: Source, columns: Sequence[str] | None) -> pa.Table:
    """Read a part, or those of its columns that make up most of it.

    Raises:
        CorruptBlobError: it is no such part.
    """
    with open_part(part, source, whole=True) as opened:
        return opened.read(columns)


class OpenPart:
    """A part that is open: a Parquet file, or an Arrow table that is in memory already."""

    def __init__(self, part: Part, content: pq.ParquetFile | pa.Table) -> None:
        self._part = part
        self._content = content

    def read(self, columns: Sequence[str] | None) -> pa.Table:
        """Every row."""
        if isinstance(self._content, pa.Table):
            return self._select(self._content, columns)
        with translated(self._part):
            return self._select(self._content.read(columns=columns), columns)

    def groups(self) -> Iterator[Group]:
        """The rows, a group at a time."""
        if isinstance(self._content, pa.Table):
            yield Group(self, None, self._content.num_rows)
            return
        metadata = self._content.metadata
        for number in range(metadata.num_row_groups):
            yield Group(self, number, metadata.row_group(number).num_rows)

    def read_group(self, number: int | None, columns: Sequence[str]) -> pa.Table:
        """The rows of one group."""
        if isinstance(self._content, pa.Table):
            return self._select(self._content, columns)
        with translated(self._part):
            return self._select(self._content.read_row_group(number, columns=columns), columns)

    def _select(self, table: pa.Table, columns: Sequence[str] | None) -> pa.Table:
        if columns is not None and (missing := set(columns) - set(table.column_names)):
            raise malformed(self._part.name, f"it has no {', '.join(sorted(missing))}")
        return table if columns is None else table.select(list(columns))


class Group:
    """Rows of a part that are read together."""

    def __init__(self, part: OpenPart, number: int | None, rows: int) -> None:
        self._part = part
        self._number = number
        self.rows = rows

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Some columns of it."""
        return self._part.read_group(self._number, columns)


@contextlib.contextmanager
def open_part(part: Part, source: Source, *, whole: bool) -> Iterator[OpenPart]:
    """Open a part; a Parquet file is read where it lies, and no more of it than is asked for.

    Args:
        part: the part.
        source: where it is.
        whole: all of it is going to be asked for.

    Raises:
        CorruptBlobError: it is no such part.
    """
    if part.name.endswith(f".{ARROW}"):
        with translated(part):
            table = pa.ipc.open_stream(read_part(source, part)).read_all()
            table.validate(full=True)
        yield OpenPart(part, table)
        return
    with contextlib.ExitStack() as stack:
        with translated(part):
            mapped = from_file(source, part, lambda path: pa.memory_map(str(path)), whole=whole)
            origin = mapped or pa.PythonFile(stack.enter_context(source.open(part)), "r")
            stack.enter_context(origin)
            # of a file that is far away, what is asked for comes in few reads, several at a time
            file = stack.enter_context(pq.ParquetFile(origin, pre_buffer=mapped is None))
        yield OpenPart(part, file)


@contextlib.contextmanager
def translated(part: Part) -> Iterator[None]:
    """Turn what Arrow raises for bytes that it cannot read into an error of ours."""
    try:
        yield
    except UNREADABLE as error:
        raise malformed(part.name, f"{type(error).__name__}: {error}") from error


def in_parquet(kind: pa.DataType) -> bool:
    """Say whether Parquet gives back this type exactly."""
    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
        return in_parquet(kind)
    if types.is_struct(kind):
        return kind.num_fields > 0 and all(in_parquet(field.type) for field in kind)
    if types.is_timestamp(kind):
        return bool(kind.unit != "s")
    checks = (
        *(types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_decimal128),
        *(types.is_string, types.is_large_string, types.is_binary, types.is_large_binary, types.is_fixed_size_binary),
        *(types.is_date32, types.is_time64, types.is_duration),
    )
    return any(check(kind) for check in checks)


def _arrow(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _parquet(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=group_rows(table),
        use_dictionary=[field.name for field in table.schema if _is_text(field.type)],
        compression="snappy",
        store_schema=True,
    )
    return sink.getvalue()


def group_rows(table: pa.Table) -> int:
    """How many rows a reader should have in memory at a time."""
    rows, size = max(1, table.num_rows), max(1, table.nbytes)
    return int(max(1, min(GROUP_ROWS, GROUP_BYTES * rows // size)))


def _is_text(kind: pa.DataType) -> bool:
    return kind in {pa.string(), pa.large_string(), pa.binary(), pa.large_binary()}

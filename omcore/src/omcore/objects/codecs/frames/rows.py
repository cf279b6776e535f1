"""Rows become parts of a bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from omcore.objects.codecs.frames.container import write_table
from omcore.objects.codecs.frames.filtering import describe
from omcore.objects.codecs.frames.layout import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from omcore.objects.codecs.base import Part, Sink
    from omcore.objects.codecs.frames.infer import Column

PART_ROWS = 1_000_000
"""The most rows of one part."""

PART_BYTES = 128 << 20
"""The most bytes of one part in memory, about."""

TILE = 1024
"""Rows that are transposed at a time: what of them is touched stays in the processor's cache."""


def write_rows(columns: Mapping[str, Column], rows: int, sink: Sink) -> list[Part]:
    """Write rows as parts; none where there is nothing to write."""
    if not columns:
        return []
    step = part_rows(columns, rows)
    return [write_part(columns, start, min(start + step, rows), sink) for start in range(0, max(rows, 1), step)]


def write_part(columns: Mapping[str, Column], start: int, stop: int, sink: Sink) -> Part:
    """Write some of the rows as one part."""
    table = slice_table(columns, start, stop)
    statistics = describe(table, {name: column.type for name, column in columns.items()})
    return write_table(table, sink, ROWS, statistics)


def slice_table(columns: Mapping[str, Column], start: int, stop: int) -> pa.Table:
    """Some of the rows as an Arrow table, without a copy where memory allows it."""
    strided = [name for name, column in columns.items() if column.raw is not None and not _dense(column.raw)]
    copies = dict(zip(strided, _transposed([_raw(columns[name])[start:stop] for name in strided]), strict=True))
    arrays = {}
    for name, column in columns.items():
        if column.array is not None:
            arrays[name] = column.array.slice(start, stop - start)
        else:
            arrays[name] = column.type.to_arrow(copies.get(name, _raw(column)[start:stop]))
    return pa.table(arrays)


def part_rows(columns: Mapping[str, Column], rows: int) -> int:
    """How many rows go into one part."""
    held: list[Any] = [column.array if column.raw is None else column.raw for column in columns.values()]
    size = sum(int(each.nbytes) for each in held)
    return max(1, min(PART_ROWS, PART_BYTES * max(1, rows) // max(1, size)))


def _raw(column: Column) -> NDArray[Any]:
    raw: Any = column.raw
    return raw  # type: ignore[no-any-return]


def _dense(values: NDArray[Any]) -> bool:
    return len(values) < 2 or values.flags.c_contiguous


def _transposed(columns: list[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Columns of a table that lies in memory row by row, each in memory of its own."""
    copies = [np.empty(len(column), column.dtype) for column in columns]
    for start in range(0, len(columns[0]) if columns else 0, TILE):
        for column, copy in zip(columns, copies, strict=True):
            copy[start : start + TILE] = column[start : start + TILE]
    return iter(copies)

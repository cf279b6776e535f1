"""Small frames of one dtype of numbers, as the memory they are: what a task's arguments mostly look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.dtypes import memory
from omcore.objects.codecs.frames.columntypes import NumpyType, is_primitive
from omcore.objects.codecs.frames.container import FEW_CELLS
from omcore.objects.codecs.frames.layout import ROWS
from omcore.objects.codecs.reading import malformed, pieces, read_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from omcore.objects.codecs.base import Part, Sink, Source
    from omcore.objects.codecs.frames.columntypes import ColumnType

BLOCK = "block"


def block_of(frame: pd.DataFrame) -> NDArray[Any] | None:
    """The memory of a frame that is small, numbered from 0 and of one dtype of numbers; `None` for any other."""
    if not 0 < len(frame) * len(frame.columns) < FEW_CELLS or type(frame.index) is not pd.RangeIndex:
        return None
    dtypes = frame.dtypes.tolist()
    first = dtypes[0]
    if not isinstance(first, np.dtype) or not is_primitive(first) or not first.isnative:
        return None
    return frame.to_numpy() if dtypes.count(first) == len(dtypes) else None


def write_block(values: NDArray[Any], sink: Sink) -> Part:
    """Write rows, one after the other."""
    return sink.add(pieces(memory(np.ascontiguousarray(values))), name=f"{ROWS}.{BLOCK}", rows=len(values))


def read_block(part: Part, source: Source, types: Sequence[ColumnType]) -> NDArray[Any]:
    """Read rows into memory of their own.

    Raises:
        CorruptBlobError: the part is no block of columns of one dtype.
    """
    dtypes = {kind.dtype for kind in types if isinstance(kind, NumpyType)}
    data = read_part(source, part)
    rows = part.rows
    if len(dtypes) != 1 or not all(isinstance(kind, NumpyType) for kind in types) or not isinstance(rows, int):
        raise malformed(part.name, "its columns are not of one dtype of numbers")
    dtype = dtypes.pop()
    if len(data) != rows * len(types) * dtype.itemsize:
        raise malformed(part.name, f"it has {len(data)} bytes for {rows} rows of {len(types)} columns of {dtype}")
    values: NDArray[Any] = np.frombuffer(bytearray(data), dtype).reshape(rows, len(types))
    return values


def block_table(values: NDArray[Any], types: Sequence[ColumnType]) -> pa.Table:
    """A block as an Arrow table."""
    return pa.table({f"c{number}": kind.to_arrow(values[:, number]) for number, kind in enumerate(types)})

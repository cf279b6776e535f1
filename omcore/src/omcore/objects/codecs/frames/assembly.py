"""Arrow columns become a frame of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.frames.columntypes import NumpyType, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from omcore.objects.codecs.frames.columntypes import ColumnType


LARGE = 1 << 20
"""Bytes of a block that are much."""


def make_frame(
    types: Sequence[ColumnType], columns: Sequence[pa.ChunkedArray], index: pd.Index[Any], labels: pd.Index[Any]
) -> pd.DataFrame:
    """Put a frame together; columns of one numpy dtype share one block of memory."""
    blocks = list(_blocks(types, columns, len(index)))
    if len(blocks) == 1 and len(blocks[0][0]) == len(types):
        return pd.DataFrame(blocks[0][1].T, index=index, columns=labels, copy=False)
    arrays: dict[int, Any] = {
        number: row for numbers, block in blocks for number, row in zip(numbers, block, strict=True)
    }
    for number, (kind, column) in enumerate(zip(types, columns, strict=True)):
        if number not in arrays:
            arrays[number] = _unguessed(kind.to_pandas(column), index)
    frame = pd.DataFrame({number: arrays[number] for number in range(len(types))}, index=index, copy=False)
    frame.columns = labels
    return frame


def _blocks(
    types: Sequence[ColumnType], columns: Sequence[pa.ChunkedArray], rows: int
) -> Iterator[tuple[list[int], NDArray[Any]]]:
    """The columns of numbers of one dtype, by position, and the block whose rows they are."""
    positions: dict[np.dtype[Any], list[int]] = {}
    for number, kind in enumerate(types):
        if isinstance(kind, NumpyType):
            positions.setdefault(kind.dtype, []).append(number)
    for dtype, numbers in positions.items():
        block = _memory(len(numbers), rows, dtype)
        for row, number in zip(block, numbers, strict=True):
            fill(row, columns[number])
        yield numbers, block


def _memory(columns: int, rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Memory for some columns: of much the pages come from Arrow's pool, which keeps them for the next frame."""
    size = columns * rows * dtype.itemsize
    if size < LARGE:
        return np.empty((columns, rows), dtype)
    pages: NDArray[Any] = np.frombuffer(pa.allocate_buffer(size), dtype)
    return pages.reshape(columns, rows)


def _unguessed(values: Any, index: pd.Index[Any]) -> Any:
    """Keep pandas from guessing a better dtype for objects."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pd.Series(values, index=index, dtype=object, copy=False)
    return values

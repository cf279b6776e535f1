"""Arrow columns become a frame of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from omcore.objects.codecs.frames.columntypes import NumpyType, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from omcore.objects.codecs.frames.columntypes import ColumnType


def make_frame(
    types: Sequence[ColumnType], columns: Sequence[pa.ChunkedArray], index: pd.Index[Any], labels: pd.Index[Any]
) -> pd.DataFrame:
    """Put a frame together; columns of one numpy dtype share one block of memory."""
    arrays = _numbers(types, columns, len(index))
    if len(arrays) == len(types) and len({kind.dtype for kind in types if isinstance(kind, NumpyType)}) == 1:
        block = next(iter(arrays.values())).base
        return pd.DataFrame(block.T, index=index, columns=labels, copy=False)
    for number, (kind, column) in enumerate(zip(types, columns, strict=True)):
        if number not in arrays:
            arrays[number] = _unguessed(kind.to_pandas(column), index)
    frame = pd.DataFrame({number: arrays[number] for number in range(len(types))}, index=index, copy=False)
    frame.columns = labels
    return frame


def _numbers(types: Sequence[ColumnType], columns: Sequence[pa.ChunkedArray], rows: int) -> dict[int, Any]:
    """The columns of numbers, by position, as rows of one block for each dtype."""
    positions: dict[np.dtype[Any], list[int]] = {}
    for number, kind in enumerate(types):
        if isinstance(kind, NumpyType):
            positions.setdefault(kind.dtype, []).append(number)
    arrays: dict[int, Any] = {}
    for dtype, numbers in positions.items():
        block = np.empty((len(numbers), rows), dtype)
        for row, number in enumerate(numbers):
            fill(block[row], columns[number])
            arrays[number] = block[row]
    return arrays


def _unguessed(values: Any, index: pd.Index[Any]) -> Any:
    """Keep pandas from guessing a better dtype for objects."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pd.Series(values, index=index, dtype=object, copy=False)
    return values

"""Kinds of cells that a column of Python objects may hold, each exactly."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from abc import ABC, abstractmethod
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs import exact_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


class MisfitError(Exception):
    """The cells are of the right type but cannot be kept exactly in this way; the text says why."""


class Cells(ABC):
    """One kind of cell.

    Attributes:
        name: what it is called in the details of the content.
        types: the exact types of its cells; a column may mix them.
        physical: the Arrow type; `None` where it differs from column to column.
    """

    name: str
    types: frozenset[type]
    physical: pa.DataType | None

    @abstractmethod
    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
        """Turn cells into Arrow, with nulls where they are missing; what stands there is never looked at.

        Raises:
            MisfitError: they cannot be kept exactly.
        """

    def to_cells(self, column: pa.ChunkedArray) -> Sequence[Any]:
        """Turn Arrow into cells, with `None` for null."""
        cells: Sequence[Any] = column.to_pylist()
        return cells


class DirectCells(Cells):
    """A Python type that has one Arrow type of its own."""

    def __init__(self, name: str, kind: type, physical: pa.DataType) -> None:
        self.name = name
        self.types = frozenset({kind})
        self.physical = physical

    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
        try:
            return pa.array(cells, self.physical, mask=missing)
        except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
            raise MisfitError(str(error)) from error


class NoCells(Cells):
    """No cell at all: every one is missing."""

    name = "nothing"
    types = frozenset()
    physical = pa.null()

    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:  # noqa: ARG002 - all are
        return pa.nulls(len(cells))


class ClockCells(DirectCells):
    """Times of day and datetimes that are naive and not folded."""

    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
        if any(cell.tzinfo is not None or cell.fold for cell in cells[~missing]):
            raise MisfitError("a time zone in an object column is not kept; convert it with pandas.to_datetime")
        return super().to_arrow(cells, missing)


class DecimalCells(Cells):
    """Decimals that share their number of places, as Arrow decimals."""

    name = "decimal"
    types = frozenset({decimal.Decimal})
    physical = None

    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
        tuples = [cell.as_tuple() for cell in cells[~missing]]
        places = {each.exponent for each in tuples}
        place = places.pop() if len(places) == 1 else None
        if not isinstance(place, int) or not -38 <= place <= 0 or any(_is_odd(each) for each in tuples):
            raise MisfitError("the decimals differ in their number of places")
        return pa.array(cells, pa.decimal128(38, -place), mask=missing)


def _is_odd(number: decimal.DecimalTuple) -> bool:
    """Say whether a decimal is a negative zero or too long: Arrow keeps neither."""
    return len(number.digits) > 38 or (bool(number.sign) and not any(number.digits))


class TextualCells(Cells):
    """Cells that come back exactly from text."""

    physical = pa.large_string()

    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
        texts = [None if gone else self.write(cell) for cell, gone in zip(cells, missing, strict=True)]
        return pa.array(texts, self.physical)

    def to_cells(self, column: pa.ChunkedArray) -> Sequence[Any]:
        return [None if text is None else self.read(text) for text in column.to_pylist()]

    @abstractmethod
    def write(self, cell: Any) -> str:
        """Write one cell as text."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """Read one cell; may raise `ValueError` or `ArithmeticError`."""


class DecimalTextCells(TextualCells):
    """Decimals of any places and sizes, as text."""

    name = "decimal-text"
    types = frozenset({decimal.Decimal})

    def write(self, cell: Any) -> str:
        return str(cell)

    def read(self, text: str) -> Any:
        return decimal.Decimal(text)


class UuidCells(TextualCells):
    """UUIDs, as text."""

    name = "uuid"
    types = frozenset({uuid.UUID})

    def write(self, cell: Any) -> str:
        return str(cell)

    def read(self, text: str) -> Any:
        return uuid.UUID(text)


class JsonCells(TextualCells):
    """Anything JSON keeps exactly, lists and dicts among them, mixed as you like."""

    name = "json"
    types = frozenset({str, int, float, bool, NoneType, list, dict})

    def write(self, cell: Any) -> str:
        try:
            return exact_json.dump(cell, "a cell").decode()
        except UnsupportedTypeError as error:
            raise MisfitError(str(error)) from error

    def read(self, text: str) -> Any:
        return exact_json.load(text)


class VectorCells(Cells):
    """One-dimensional numpy arrays that share their dtype, as lists."""

    name = "vector"
    types = frozenset({np.ndarray})
    physical = None

    def to_arrow(self, cells: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
        arrays = list(cells[~missing])
        dtypes = {array.dtype for array in arrays}
        dtype = dtypes.pop()
        if dtypes or dtype.kind not in "iuf" or dtype.itemsize > 8 or not dtype.isnative:
            raise MisfitError("only arrays of one dtype of numbers are kept in cells")
        if any(array.ndim != 1 for array in arrays):
            raise MisfitError("only arrays of one dimension are kept in cells")
        lengths = np.zeros(len(cells) + 1, np.int64)
        lengths[1:][~missing] = [len(array) for array in arrays]
        offsets = pa.array(np.cumsum(lengths), pa.int64())
        mask = pa.array(missing) if missing.any() else None
        return pa.LargeListArray.from_arrays(offsets, pa.array(np.concatenate(arrays)), mask=mask)

    def to_cells(self, column: pa.ChunkedArray) -> Sequence[Any]:
        return [cell for chunk in column.chunks for cell in _vectors(chunk)]


def _vectors(chunk: pa.Array) -> Iterator[Any]:
    values = chunk.values.to_numpy()
    offsets = chunk.offsets.to_numpy()
    valid = chunk.is_valid().to_numpy(zero_copy_only=False)
    for start, stop, there in zip(offsets[:-1], offsets[1:], valid, strict=True):
        yield values[start:stop].copy() if there else None


def kinds() -> tuple[Cells, ...]:
    """Every kind of cell, in the order in which they are tried."""
    return (
        NoCells(),
        DirectCells("text", str, pa.large_string()),
        DirectCells("bool", bool, pa.bool_()),
        DirectCells("int", int, pa.int64()),
        DirectCells("float", float, pa.float64()),
        DirectCells("bytes", bytes, pa.large_binary()),
        ClockCells("datetime", dt.datetime, pa.timestamp("us")),
        ClockCells("time", dt.time, pa.time64("us")),
        DirectCells("date", dt.date, pa.date32()),
        DirectCells("timedelta", dt.timedelta, pa.duration("us")),
        DecimalCells(),
        DecimalTextCells(),
        UuidCells(),
        VectorCells(),
        JsonCells(),
    )

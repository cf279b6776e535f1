"""How the columns of a frame are kept in documents: each type of column natively, exactly, and back again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import bson
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bson import Decimal128
from bson.datetime_ms import DatetimeMS

from omcore.objects.codecs.frames.columntypes import as_integers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

HIGHEST = (1 << 63) - 1
"""The highest integer that a document keeps."""

MOST_DIGITS = 34
"""Digits that a decimal may have in a document."""


class UnkeptError(Exception):
    """A column cannot be kept exactly in documents; the text says why, and what to do."""


class Form(ABC):
    """One way to keep a column. Instances are immutable."""

    within: str = ""
    """The field in the value that filters look at, with its dot; empty for the value itself."""

    @abstractmethod
    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        """The values of a column, as pymongo writes them; `None` for null.

        Raises:
            UnkeptError: some of them cannot be kept exactly.
        """

    @abstractmethod
    def read(self, values: Sequence[Any]) -> pa.Array:
        """The column again; raises what Arrow raises for values that were never written."""

    def lowest(self, value: Any) -> Any:
        """The constant that kept values are greater than or equal to, where they are so to `value`."""
        return self.constant(value)

    def highest(self, value: Any) -> Any:
        """The constant that kept values are less than or equal to, where they are so to `value`."""
        return self.constant(value)

    def equals(self, values: Sequence[Any]) -> list[Any]:
        """What is kept of values that a filter asks for; nothing of those that cannot be there."""
        return [self.constant(value) for value in values]

    def constant(self, value: Any) -> Any:
        """A value that a filter compares with, as it is kept."""
        return value


class PlainForm(Form):
    """What Arrow and BSON both have: booleans, integers, floats, text, bytes, and lists and documents of such."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        if pa.types.is_uint64(column.type) and (pc.max(column).as_py() or 0) > HIGHEST:
            raise UnkeptError(f"it holds integers above {HIGHEST}; make them text or floats")
        values: Sequence[Any] = column.to_pylist()
        return values

    def read(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, self._kind, from_pandas=False)

    def constant(self, value: Any) -> Any:
        if isinstance(value, int) and value > HIGHEST:
            return Decimal128(str(value))
        return value


class HalfForm(Form):
    """Floats of 16 bits."""

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        values: Sequence[Any] = column.cast(pa.float32()).to_pylist()
        return values

    def read(self, values: Sequence[Any]) -> pa.Array:
        missing = np.fromiter((value is None for value in values), bool, len(values))
        halves = np.array([0.0 if value is None else value for value in values], np.float16)
        return pa.array(halves, mask=missing, from_pandas=False)


class CountForm(Form):
    """What is a number of steps inside and BSON does not have, such as lengths of time: that number."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._steps = pa.int32() if kind.bit_width == 32 else pa.int64()

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        return [value for chunk in column.chunks for value in chunk.view(self._steps).to_pylist()]

    def read(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, self._steps).view(self._kind)


class MomentForm(Form):
    """Points in time, as dates, of which BSON has whole milliseconds."""

    def __init__(self, unit: str, kind: pa.DataType) -> None:
        self._kind = kind
        self._millis = 1000 if unit == "s" else 1
        self._steps = {"us": 1000, "ns": 1_000_000}.get(unit, 1)

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        steps = [each for chunk in as_integers(column).chunks for each in chunk.to_pylist()]
        if any(each is not None and each % self._steps for each in steps):
            raise UnkeptError("it holds times finer than a millisecond; round them, as with .dt.floor('ms')")
        if any(each is not None and abs(each) * self._millis > HIGHEST for each in steps):
            raise UnkeptError("it holds times that are too far away for a date; make them text")
        return [None if each is None else DatetimeMS(each * self._millis // self._steps) for each in steps]

    def read(self, values: Sequence[Any]) -> pa.Array:
        steps = [None if each is None else int(each) * self._steps // self._millis for each in values]
        return pa.array(steps, pa.int64()).view(self._kind)

    def lowest(self, value: Any) -> Any:
        return _date(-(-value * self._millis // self._steps))

    def highest(self, value: Any) -> Any:
        return _date(value * self._millis // self._steps)

    def equals(self, values: Sequence[Any]) -> list[Any]:
        return [_date(value * self._millis // self._steps) for value in values if not value % self._steps]


class DayForm(Form):
    """Dates without a time, as midnight in UTC."""

    _day = 86_400_000

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        days = [each for chunk in column.chunks for each in chunk.view(pa.int32()).to_pylist()]
        return [None if day is None else DatetimeMS(day * self._day) for day in days]

    def read(self, values: Sequence[Any]) -> pa.Array:
        days = [None if each is None else int(each) // self._day for each in values]
        return pa.array(days, pa.int32()).view(pa.date32())

    def constant(self, value: Any) -> Any:
        return DatetimeMS(value * self._day)


class DecimalForm(Form):
    """Decimals that share their number of places."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        return [None if each is None else decimal_of(each) for each in column.to_pylist()]

    def read(self, values: Sequence[Any]) -> pa.Array:
        return pa.array([None if each is None else each.to_decimal() for each in values], self._kind)

    def lowest(self, value: Any) -> Any:
        return _rounded(value, up=True)

    def highest(self, value: Any) -> Any:
        return _rounded(value, up=False)

    def equals(self, values: Sequence[Any]) -> list[Any]:
        return [Decimal128(value) for value in values if len(value.as_tuple().digits) <= MOST_DIGITS]


class CategoryForm(Form):
    """Categories, by what they are; which code each has is in the dictionary."""

    def __init__(self, items: Form, dictionary: pa.ChunkedArray, codes: pa.DataType) -> None:
        self._items = items
        self._dictionary = dictionary
        self._codes = codes

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        items = self._items.write(self._dictionary)
        return [None if code is None else items[code] for code in column.to_pylist()]

    def read(self, values: Sequence[Any]) -> pa.Array:
        known = {_key(item): code for code, item in enumerate(self._items.write(self._dictionary))}
        return pa.array([None if value is None else known[_key(value)] for value in values], self._codes)

    def equals(self, values: Sequence[Any]) -> list[Any]:
        items = self._items.write(self._dictionary)
        return [items[code] for code in values]

    def between(self, low: int, high: int | None) -> list[Any]:
        """The categories from one code to another."""
        items = self._items.write(self._dictionary)
        return list(items[low : len(items) if high is None else high + 1])


class IntervalForm(Form):
    """Intervals, as documents of their ends."""

    within = ".left"

    def __init__(self, ends: Form) -> None:
        self._ends = ends

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        ends = (self._ends.write(end) for end in column.flatten())
        return [{"left": left, "right": right} for left, right in zip(*ends, strict=True)]

    def read(self, values: Sequence[Any]) -> pa.Array:
        ends = [self._ends.read([value[end] for value in values]) for end in ("left", "right")]
        return pa.StructArray.from_arrays(ends, ["left", "right"])


def _key(value: Any) -> bytes:
    """A value as a key: equal ones of different types are different categories."""
    return bson.encode({"": value})


def _date(millis: int) -> DatetimeMS:
    return DatetimeMS(min(max(millis, -HIGHEST), HIGHEST))


def decimal_of(value: Decimal) -> Decimal128:
    """A decimal, if a document keeps all of it.

    Raises:
        UnkeptError: it does not.
    """
    try:
        kept = Decimal128(value)
    except ArithmeticError:  # more digits, or a greater exponent, than it has
        kept = None
    if kept is None or str(kept.to_decimal()) != str(value):
        raise UnkeptError(f"it holds {str(value)[:60]}, and decimals have at most {MOST_DIGITS} digits; make it text")
    return kept


def _rounded(value: Decimal, *, up: bool) -> Decimal128:
    """The nearest decimal of as many digits as any that is kept, in one direction."""
    from decimal import ROUND_CEILING, ROUND_FLOOR, Context

    return Decimal128(Context(MOST_DIGITS, ROUND_CEILING if up else ROUND_FLOOR).plus(value))

"""What the values of a column can be compared with: one family for all types that compare alike."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from omcore.objects.codecs.frames.checks import Check, Matches, OneOf, Within

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORDER = frozenset({"eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "notin"})
_EQUAL = frozenset({"eq", "ne", "in", "notin"})
_TEXT = frozenset({"contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact"})


class UnfitError(Exception):
    """A value cannot be compared with a column of the family; the text says what can."""


class Family(ABC):
    """Columns that compare alike.

    Attributes:
        title: what the values are, in words.
        operators: which operators make sense, besides `isnull`.
    """

    title: str
    operators: frozenset[str] = _ORDER

    @abstractmethod
    def constant(self, value: Any) -> Any:
        """The value of a filter as a value of the column.

        Raises:
            UnfitError: it is no such value.
        """

    def prepare(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The column as what its constants are compared with."""
        return column

    def check(self, operator: str, values: Sequence[Any]) -> Check:
        """What an operator that is not a negation asks, given its constants."""
        first, last = values[0] if values else None, values[-1] if values else None
        if operator in {"eq", "in"}:
            return OneOf(tuple(values))
        if operator == "between":
            return Within(first, last)
        if operator in {"gt", "gte"}:
            return Within(low=first, low_open=operator == "gt")
        return Within(high=first, high_open=operator == "lt")

    def plain(self, value: Any) -> Any:
        """A least or greatest value as JSON, or `None` where it is not kept."""
        return value

    def limits(self, column: pa.ChunkedArray) -> tuple[Any, Any]:
        """The least and the greatest value of a column that has some."""
        found = pc.min_max(column).as_py()
        return found["min"], found["max"]


class Opaque(Family):
    """Nothing can be compared; only nulls can be asked for."""

    operators = frozenset()

    def __init__(self, title: str) -> None:
        self.title = title

    def constant(self, value: Any) -> Any:  # noqa: ARG002 - no value is one
        raise UnfitError("ask for nulls with isnull")

    def plain(self, value: Any) -> Any:  # noqa: ARG002 - no value is kept
        return None


class Nothing(Family):
    """Nulls alone: anything may be asked for, and nothing is found."""

    title = "nothing"
    operators = _ORDER | _TEXT

    def constant(self, value: Any) -> Any:
        return value

    def check(self, operator: str, values: Sequence[Any]) -> Check:  # noqa: ARG002 - whatever is asked
        return OneOf(())


class Booleans(Family):
    """True and false."""

    title = "booleans"
    operators = _EQUAL

    def constant(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise UnfitError("give True or False")
        return value

    def plain(self, value: Any) -> Any:  # noqa: ARG002 - two values tell nothing
        return None


class Texts(Family):
    """Text, in the order of its code points."""

    title = "text"
    operators = _ORDER | _TEXT
    longest = 64

    def constant(self, value: Any) -> str:
        if not isinstance(value, str):
            raise UnfitError("give text")
        return value

    def check(self, operator: str, values: Sequence[Any]) -> Check:
        if operator in _TEXT:
            return Matches(operator.removeprefix("i"), values[0], operator.startswith("i"))
        return super().check(operator, values)

    def plain(self, value: Any) -> Any:
        return value if len(value) <= self.longest else None


class Floats(Family):
    """Floating-point numbers; a constant is rounded to the precision of the column, as numpy does."""

    title = "numbers"

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._make: Any = dtype.type

    def constant(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise UnfitError("give a number")
        with np.errstate(over="ignore"):
            return float(self._make(float(value)))

    def prepare(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column.cast(pa.float32()) if pa.types.is_float16(column.type) else column

    def plain(self, value: Any) -> Any:
        return value if math.isfinite(value) else None

    def limits(self, column: pa.ChunkedArray) -> tuple[Any, Any]:
        if not column.null_count:
            # numpy is many times faster, and says NaN where there is one
            chunks = [chunk.to_numpy() for chunk in column.chunks if len(chunk)]
            least, most = [float(chunk.min()) for chunk in chunks], [float(chunk.max()) for chunk in chunks]
            if not any(map(math.isnan, least)):
                return min(least), max(most)
        return super().limits(column)


class Steps(Family):
    """What is a whole number of steps inside: constants between two steps are moved to the right one of them."""

    low: int = -(1 << 63)
    high: int = (1 << 63) - 1

    def check(self, operator: str, values: Sequence[Any]) -> Check:
        if operator in {"eq", "in"}:
            return OneOf(tuple(self.step(int(each)) for each in values if self._is_step(each)))
        first, last = values[0], values[-1]
        low = high = None
        if operator in {"gt", "gte", "between"}:
            low = math.floor(first) + 1 if operator == "gt" else math.ceil(first)
        if operator in {"lt", "lte", "between"}:
            high = math.ceil(last) - 1 if operator == "lt" else math.floor(last)
        if (low is not None and low > self.high) or (high is not None and high < self.low):
            return OneOf(())
        low = None if low is None or low < self.low else self.step(low)
        high = None if high is None or high > self.high else self.step(high)
        return Within(low, high)

    def step(self, number: int) -> Any:
        """A number of steps as a value of the column."""
        return number

    def _is_step(self, value: Any) -> bool:
        return bool(value == math.floor(value) and self.low <= value <= self.high)

    def plain(self, value: Any) -> Any:
        return value if -(1 << 63) <= value < 1 << 63 else None


class Integers(Steps):
    """Integers of one width."""

    title = "integers"

    def __init__(self, dtype: np.dtype[Any]) -> None:
        limits = np.iinfo(dtype)
        self.low, self.high = int(limits.min), int(limits.max)

    def constant(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise UnfitError("give a number")
        if isinstance(value, float | Decimal) and not math.isfinite(value):
            return Fraction(2**70 if value > 0 else -(2**70))
        return Fraction(value)


class Decimals(Steps):
    """Decimals of one number of places."""

    title = "decimals"

    def __init__(self, places: int) -> None:
        self._places = places
        self.low, self.high = -(10**38) + 1, 10**38 - 1

    def constant(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise UnfitError("give a number, exactly as text")
        try:
            return Fraction(value) * 10**self._places
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise UnfitError("give a number, exactly as text") from error

    def step(self, number: int) -> Any:
        sign = "-" if number < 0 else ""
        return Decimal(f"{sign}{abs(number)}E{-self._places}")

    def plain(self, value: Any) -> Any:  # noqa: ARG002 - no JSON number is one
        return None

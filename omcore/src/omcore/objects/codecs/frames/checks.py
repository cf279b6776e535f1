"""What a filter asks of one column, as data: a range, a set, a piece of text, or a null."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable


class Check(ABC):
    """What is asked of values that are not null."""

    @abstractmethod
    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Which values fulfil it; what it says of nulls is not looked at."""

    def may_hold(self, least: Any, most: Any) -> bool:  # noqa: ARG002 - the default knows nothing of the values
        """Say whether a value from `least` to `most` may fulfil it."""
        return True

    def holds(self, least: Any, most: Any) -> bool:  # noqa: ARG002 - the default knows nothing of the values
        """Say whether every value from `least` to `most` fulfils it."""
        return False


@dataclass(frozen=True, slots=True)
class Within(Check):
    """From `low` to `high`; `None` for no bound. A bound that is open is not in the range itself."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        masks = []
        if self.low is not None:
            compare = pc.greater if self.low_open else pc.greater_equal
            masks.append(compare(column, pa.scalar(self.low, column.type)))
        if self.high is not None:
            compare = pc.less if self.high_open else pc.less_equal
            masks.append(compare(column, pa.scalar(self.high, column.type)))
        return pc.and_(*masks) if len(masks) == 2 else masks[0] if masks else pc.is_valid(column)

    def may_hold(self, least: Any, most: Any) -> bool:
        return self._above(most) and self._below(least)

    def holds(self, least: Any, most: Any) -> bool:
        return self._above(least) and self._below(most)

    def _above(self, value: Any) -> bool:
        return bool(self.low is None or value > self.low or (value == self.low and not self.low_open))

    def _below(self, value: Any) -> bool:
        return bool(self.high is None or value < self.high or (value == self.high and not self.high_open))


@dataclass(frozen=True, slots=True)
class OneOf(Check):
    """One of these values."""

    values: tuple[Any, ...]

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if len(self.values) == 1:
            return pc.equal(column, pa.scalar(self.values[0], column.type))
        zeros = (-value for value in self.values if pa.types.is_floating(column.type) and value == 0)
        return pc.is_in(column, value_set=pa.array([*self.values, *zeros], column.type))

    def may_hold(self, least: Any, most: Any) -> bool:
        return any(least <= value <= most for value in self.values)

    def holds(self, least: Any, most: Any) -> bool:
        return bool(least == most and least in self.values)


@dataclass(frozen=True, slots=True)
class Matches(Check):
    """A piece of text in a place; `fold` to look past upper and lower case."""

    place: str
    text: str
    fold: bool

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        places: dict[str, Callable[[pa.ChunkedArray, str], pa.ChunkedArray]] = {
            "contains": pc.match_substring,
            "startswith": pc.starts_with,
            "endswith": pc.ends_with,
            "exact": pc.equal,
        }
        if not self.fold:
            return places[self.place](column, self.text)
        lowered: str = pc.utf8_lower(pa.scalar(self.text)).as_py()
        return places[self.place](pc.utf8_lower(column), lowered)


@dataclass(frozen=True, slots=True)
class IsNull(Check):
    """A null; the one check that is asked of nulls."""

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return pc.is_null(column, nan_is_null=True)

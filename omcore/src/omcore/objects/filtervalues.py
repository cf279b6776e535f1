"""Which values the operators of filters take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from omcore.errors import InvalidFilterError
from omcore.objects.names import shown

MOST_VALUES = 10_000
"""How many values `in` and `notin` may list."""

LONGEST_TEXT = 10_000
"""Characters of one value."""

SCALAR, TEXT, FLAG, LIST, PAIR = "one value", "text", "True or False", "a list of values", "a pair of values"

TAKES = {
    **dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), SCALAR),
    **dict.fromkeys(("in", "notin"), LIST),
    "isnull": FLAG,
    "between": PAIR,
    **dict.fromkeys(
        ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact"),
        TEXT,
    ),
}
"""What the value of each operator has to be."""


def check_value(column: str, operator: str, value: Any) -> Any:
    """The value of a condition, as plain Python values.

    Scalars of numpy become those of Python, lists become tuples.

    Raises:
        InvalidFilterError: the operator does not take it.
    """
    where = f"{column}__{operator}"
    takes = TAKES[operator]
    if takes == LIST:
        return tuple(_scalar(where, item) for item in _items(where, value))
    if takes == PAIR:
        pair = tuple(_scalar(where, item) for item in _items(where, value))
        if len(pair) != 2:
            raise _unfit(where, f"takes {PAIR}, the lowest and the highest, not {len(pair)}")
        return pair
    scalar = _scalar(where, value)
    if (takes == TEXT and not isinstance(scalar, str)) or (takes == FLAG and not isinstance(scalar, bool)):
        raise _unfit(where, f"takes {takes}, not {shown(value)}")
    return scalar


def _items(where: str, value: Any) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise _unfit(where, f"takes {TAKES[where.rpartition('__')[2]]}, not {shown(value)}")
    items = list(value)
    if len(items) > MOST_VALUES:
        raise _unfit(where, f"takes at most {MOST_VALUES} values, not {len(items)}; store them and join instead")
    return items


def _scalar(where: str, value: Any) -> Any:
    value = _of_python(where, value)
    if isinstance(value, str):
        return _text(where, value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > 63:
            raise _unfit(where, f"takes integers of 64 bits, not {shown(value)}")
        return int(value)
    # NaN and NaT do not equal themselves
    if isinstance(value, date | float) and value == value:
        return _moment(where, value) if isinstance(value, date) else float(value)
    if value is None or isinstance(value, date | float):
        raise _unfit(where, "cannot compare with a null; ask with isnull")
    raise _unfit(where, f"takes text, numbers, bools and dates, not {type(value).__name__}; convert it")


def _of_python(where: str, value: Any) -> Any:
    """A scalar of numpy as one of Python; anything else as it is."""
    if type(value).__module__ != "numpy" or getattr(value, "ndim", None) != 0:
        return value
    if type(value).__name__ != "datetime64":
        return value.item()
    micro = value.astype("datetime64[us]")
    if micro == value:
        return micro.item()
    raise _unfit(where, f"compares times to the microsecond, not {shown(str(value))}; round it, or ask with isnull")


def _text(where: str, value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise _unfit(where, f"takes texts of at most {LONGEST_TEXT} characters, not {len(value)}")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _unfit(where, "takes valid Unicode text without NUL")
    return str.__str__(value)


def _moment(where: str, value: date) -> date:
    """A date or a datetime of exactly that class; a finer one of pandas would lose its nanoseconds in a task."""
    if not isinstance(value, datetime):
        return date(value.year, value.month, value.day)
    if getattr(value, "nanosecond", 0):
        raise _unfit(where, f"compares times to the microsecond, not {shown(str(value))}; round it")
    return datetime.fromisoformat(value.isoformat())


def _unfit(where: str, why: str) -> InvalidFilterError:
    return InvalidFilterError(f"the filter {shown(where)} {why}")

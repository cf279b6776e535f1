"""A filter becomes a query of a collection whose documents may hold anything.

A condition compares values of its constant's type and passes over others: numbers with numbers, text with text, dates
with dates. A null, NaN or missing field fulfils no condition but `isnull`, nor the negation of one. A list or a
document is a value as a whole, as it is in a frame: its items are not looked at.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from omcore.errors import InvalidFilterError
from omcore.objects.filters import All, Condition, Either
from omcore.objects.names import shown
from omstore_mongo.queries import any_of, compared, every, has_text, is_array, none_of, one_of

if TYPE_CHECKING:
    from omcore.objects.filters import Filter
    from omstore_mongo.connection import Document

_COMPARISONS = {"gt": "$gt", "gte": "$gte", "lt": "$lt", "lte": "$lte"}
_EQUAL = frozenset({"eq", "ne", "in", "notin"})
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROS = 1000


def query_of(asked: Filter) -> Document:
    """The query that finds what fulfils a filter.

    Raises:
        InvalidFilterError: a column can be no field, or a value cannot be compared.
    """
    match asked:
        case All(members):
            return every([query_of(member) for member in members])
        case Either(members):
            return any_of([query_of(member) for member in members])
        case _:
            return _condition(asked)


def checked_path(column: str) -> str:
    """A column as the path of a field: `a.b` is field `b` of the document in field `a`.

    Raises:
        InvalidFilterError: it can be none.
    """
    if any(not name or name.startswith("$") or "\0" in name for name in column.split(".")):
        mend = "give names without '$' in front, and '.' only between the names of nested fields"
        raise InvalidFilterError(f"{shown(column)} is no field of a collection; {mend}")
    return column


def has_value(path: str) -> Document:
    """The field is there and not null, and no list is on the way to it."""
    names = path.split(".")
    lists = [is_array(".".join(names[:count])) for count in range(1, len(names))]
    there = any_of([is_array(path), {path: {"$nin": [None, float("nan")]}}])
    return every([*map(none_of, lists), there])


def _condition(asked: Condition) -> Document:
    path = checked_path(asked.column)
    if asked.operator == "isnull":
        return none_of(has_value(path)) if asked.value is not asked.negated else has_value(path)
    matching = every([has_value(path), none_of(is_array(path)), _matching(path, asked)])
    if asked.negated is (asked.operator in {"ne", "notin"}):
        return matching
    return every([has_value(path), none_of(matching)])


def _matching(path: str, asked: Condition) -> Document:
    operator, value = asked.operator, asked.value
    if operator in _EQUAL:
        values = value if isinstance(value, tuple) else (value,)
        return one_of(path, [same for each in values for same in _equals(each)])
    if operator == "between":
        return every([_bound(path, "gte", value[0]), _bound(path, "lte", value[1])])
    if operator in _COMPARISONS:
        return _bound(path, operator, value)
    return has_text(path, operator.removeprefix("i"), value, fold=operator.startswith("i"))


def _equals(value: Any) -> list[Any]:
    """What the server keeps for a value: text may also be the id of a document, or a time."""
    micros = _micros(value)
    moment = [] if micros is None or micros % _MICROS else [DatetimeMS(micros // _MICROS)]
    if not isinstance(value, str):
        return [value] if micros is None else moment
    return [value, *moment, *_object_id(value)]


def _bound(path: str, operator: str, value: Any) -> Document:
    if isinstance(value, bool):
        raise InvalidFilterError(f"the filter {path}__{operator} compares with {value}; ask for equal ones with eq")
    found = [] if _is_date(value) else [compared(path, _COMPARISONS[operator], value)]
    micros = _micros(value)
    if micros is not None:
        found.append(_time_bound(path, operator, micros))
    if isinstance(value, str):
        found += [compared(path, _COMPARISONS[operator], each) for each in _object_id(value)]
    return any_of(found)


def _time_bound(path: str, operator: str, micros: int) -> Document:
    """A bound for times, of which the server keeps whole milliseconds."""
    if not micros % _MICROS:
        return compared(path, _COMPARISONS[operator], DatetimeMS(micros // _MICROS))
    if operator in {"gt", "gte"}:
        return compared(path, "$gte", DatetimeMS(micros // _MICROS + 1))
    return compared(path, "$lte", DatetimeMS(micros // _MICROS))


def _micros(value: Any) -> int | None:
    """Microseconds since the epoch of what is a time, or is text that says one; a naive one is meant in UTC."""
    if isinstance(value, str):
        try:
            return _micros(dt.datetime.fromisoformat(value))
        except ValueError:
            return None
    if not _is_date(value):
        return None
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    moment: dt.datetime = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _is_date(value: Any) -> bool:
    return isinstance(value, dt.date)


def _object_id(text: str) -> list[ObjectId]:
    return [ObjectId(text)] if _OBJECT_ID.fullmatch(text) else []

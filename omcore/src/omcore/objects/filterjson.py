"""Filters as JSON, for tasks."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidFilterError
from omcore.objects.filters import DEEPEST, All, Condition, Either
from omcore.objects.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.objects.filters import Filter

_INFINITE = {"inf": float("inf"), "-inf": float("-inf")}
_READ: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "float": _INFINITE.__getitem__,
}
"""How the values that JSON has no form for are read, by the key that marks them."""


def filter_to_json(filter: Filter) -> dict[str, Any]:  # noqa: A002 - the word that users know
    """A filter as a JSON object."""
    match filter:
        case Condition(column, operator, value, negated):
            known = [_value_to_json(item) for item in value] if isinstance(value, tuple) else _value_to_json(value)
            return {"column": column, "operator": operator, "value": known, "negated": negated}
        case All(parts):
            return {"all": [filter_to_json(part) for part in parts]}
        case Either(parts):
            return {"any": [filter_to_json(part) for part in parts]}


def filter_from_json(body: object) -> Filter:
    """Read a filter that `filter_to_json` wrote.

    Raises:
        InvalidFilterError: it is none; nothing that is not a filter gets through.
    """
    return _read(body, DEEPEST)


def _read(body: object, depth: int) -> Filter:
    if depth == 0:
        raise InvalidFilterError(f"a filter is nested more than {DEEPEST} deep; make it flatter")
    match body:
        case {"all": list(parts), **rest} if not rest:
            return All(tuple(_read(part, depth - 1) for part in parts))
        case {"any": list(parts), **rest} if not rest:
            return Either(tuple(_read(part, depth - 1) for part in parts))
        case {"column": str(column), "operator": str(operator), "value": value, "negated": bool(negated), **rest} if (
            not rest
        ):
            known = tuple(map(_value_from_json, value)) if isinstance(value, list) else _value_from_json(value)
            return Condition(column, operator, known, negated)
        case _:
            raise InvalidFilterError(
                f"{shown(body)} is no filter; it has column, operator, value and negated, or all, or any"
            )


def _value_to_json(value: Any) -> Any:
    if isinstance(value, date):
        return {"datetime" if isinstance(value, datetime) else "date": value.isoformat()}
    if isinstance(value, float) and value in _INFINITE.values():
        return {"float": str(value)}
    return value


def _value_from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        ((mark, text),) = value.items()
        return _READ[mark](text)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFilterError(
            f"{shown(value)} is no value of a filter; write a date as {{'date': '2024-01-31'}}"
        ) from error

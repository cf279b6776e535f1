"""JSON that comes back as it went in, or is refused: what JSON would change is told by its place."""

from __future__ import annotations

import json
from types import NoneType
from typing import Any

from omcore.errors import UnsupportedTypeError

_SCALARS = frozenset({str, int, float, bool, NoneType})


def dump(value: Any, what: str = "the value") -> bytes:
    """Write a value as JSON, in UTF-8.

    Exact are `None`, bool, int, float (also NaN and the infinities, in the spelling of Python's `json`), str, list and
    dict with str keys, nested in any way.

    Args:
        value: what to write.
        what: what to call it in an error.

    Raises:
        UnsupportedTypeError: JSON would change it, for example a tuple, a key that is no text, or a subclass.
    """
    try:
        if misfit := _misfit(value, ""):
            message = f"{what} cannot be kept exactly as JSON: {misfit}; convert it first"
            raise UnsupportedTypeError(message)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except RecursionError as error:
        message = f"{what} cannot be kept as JSON: it is nested too deeply or contains itself; flatten it first"
        raise UnsupportedTypeError(message) from error
    except ValueError as error:
        message = f"{what} cannot be kept as JSON ({error}); convert it first"
        raise UnsupportedTypeError(message) from error


def load(data: bytes | str) -> Any:
    """Read what `dump` wrote.

    Raises:
        ValueError: it is no such JSON.
    """
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _misfit(value: Any, place: str) -> str:
    """Say what in `value` JSON would change, or nothing."""
    kind = type(value)
    if kind in _SCALARS:
        return ""
    if kind is list:
        return "" if _SCALARS.issuperset(map(type, value)) else _first(enumerate(value), place)
    if kind is dict:
        if odd := [key for key in value if type(key) is not str]:
            return f"a key{_at(place)} is {odd[0]!r}, of type {type(odd[0]).__name__}"
        return "" if _SCALARS.issuperset(map(type, value.values())) else _first(value.items(), place)
    return f"the item{_at(place)} is of type {kind.__module__}.{kind.__qualname__}"


def _first(items: Any, place: str) -> str:
    return next((found for key, item in items if (found := _misfit(item, f"{place}[{key!r}]"))), "")


def _at(place: str) -> str:
    return f" at {place}" if place else ""

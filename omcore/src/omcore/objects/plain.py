"""Plain JSON: what users may attach to an object, and the one way to write a value down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omcore.errors import InvalidArgumentError
from omcore.objects.names import shown

DEEPEST = 32
"""How deeply lists and objects may be nested."""

LARGEST = 1 << 20
"""Bytes of JSON that one set of attributes may have."""

_BITS = 63


def plain_object(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A JSON object as a copy of plain Python values: what comes back when it was stored and read.

    Args:
        value: the object; tuples become lists.
        what: what it is, for the error: `attributes`.

    Raises:
        InvalidArgumentError: something in it is not JSON; names the key.
    """
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{what} must be a dict, not {type(value).__name__}; give such as {{'owner': 'me'}}")
    value = dict(value)
    fault = _fault(value, what, DEEPEST)
    if fault:
        raise InvalidArgumentError(fault)
    text = json.dumps(value)
    if len(text) > LARGEST:
        limit = f"may have at most {LARGEST}; put large data into an object of its own"
        raise InvalidArgumentError(f"{what} have {len(text)} bytes as JSON but {limit}")
    copy: dict[str, Any] = json.loads(text)
    return copy


def canonical_json(value: object) -> bytes:
    """The one way to write a JSON value down: keys in order, no blanks, ASCII only.

    Raises:
        TypeError, ValueError: it is no JSON value.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _fault(value: object, where: str, depth: int) -> str:
    """What in a value is not plain JSON, as a sentence; empty where all of it is."""
    if depth == 0:
        return f"{where} is nested more than {DEEPEST} deep; make it flatter"
    if isinstance(value, dict):
        return _object_fault(value, where, depth)
    if isinstance(value, list | tuple):
        faults = (_fault(item, f"{where}[{index}]", depth - 1) for index, item in enumerate(value))
        return next(filter(None, faults), "")
    return _scalar_fault(value, where)


def _object_fault(value: dict[Any, Any], where: str, depth: int) -> str:
    for key, item in value.items():
        if not isinstance(key, str):
            return f"{where} has the key {shown(key)} but keys are text; write it as a string"
        if fault := _scalar_fault(key, f"a key of {where}") or _fault(item, f"{where}[{shown(key)}]", depth - 1):
            return fault
    return ""


def _scalar_fault(value: object, where: str) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        bad = "\0" in value or any("\ud800" <= character <= "\udfff" for character in value)
        return f"{where} holds a NUL or half a character; give valid Unicode text" if bad else ""
    if isinstance(value, int):
        return "" if value.bit_length() <= _BITS else f"{where} is an integer beyond 64 bits; write it as a string"
    if isinstance(value, float):
        finite = value - value == 0
        return "" if finite else f"{where} is {value} and JSON has no such number; write None or a string"
    return f"{where} is a {type(value).__name__} but must be JSON: text, number, bool, None, list or dict; convert it"

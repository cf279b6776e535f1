"""What a record may be made of, and what `where` and `fields` mean: one definition for every backend."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from omcore.errors import InvalidArgumentError
from omcore.storage.backend import LARGEST_BODY, Put

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from omcore.storage.backend import Body, Change

Scalar: TypeAlias = str | int | float | bool | None

MAX_DEPTH = 100
"""How deeply lists and objects may be nested in a body."""

MAX_KEY = 512
"""How many characters a key may have."""

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1


def check_key(key: str) -> None:
    """Accept what can be the key of a record: 1 to 512 printable ASCII characters.

    Raises:
        InvalidArgumentError: it is not such a text.
    """
    if not 0 < len(key) <= MAX_KEY:
        raise InvalidArgumentError(f"a record key of {len(key)} characters was given; it has 1 to {MAX_KEY}")
    check_prefix(key)


def check_prefix(text: str) -> None:
    """Accept what a key can begin with; may be empty.

    Raises:
        InvalidArgumentError: it is not printable ASCII.
    """
    if not (text.isascii() and text.isprintable()):
        raise InvalidArgumentError(
            f"the record key {text!r} has other characters than printable ASCII; hash or escape it"
        )


def check_changes(changes: Sequence[Change]) -> None:
    """Accept the changes of one commit: keys that are keys, each named once.

    Raises:
        InvalidArgumentError: a key is not allowed or comes twice.
    """
    seen: set[str] = set()
    for change in changes:
        check_key(change.key)
        if change.key in seen:
            raise InvalidArgumentError(f"one commit changes record {change.key!r} twice; give its last state only")
        seen.add(change.key)


def check_limit(limit: int) -> None:
    """Accept the length of a page.

    Raises:
        InvalidArgumentError: it is less than 1.
    """
    if limit < 1:
        raise InvalidArgumentError(f"a page of {limit} records was asked for; the least is 1")


def encode_body(put: Put) -> str:
    """Write the body of `put` as JSON text that every backend can keep exactly.

    Raises:
        InvalidArgumentError: it breaks a rule of `omcore.storage.backend.Body`, or is nested too deeply.
    """
    try:
        _check_object(put.body)
        text = json.dumps(put.body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the body of record {put.key!r} cannot be stored: {error}") from error
    if size > LARGEST_BODY:
        raise InvalidArgumentError(
            f"the body of record {put.key!r} has {size} bytes, more than {LARGEST_BODY}; put what is large into a blob"
        )
    return text


def _check_object(body: object) -> None:
    if not isinstance(body, dict):
        raise TypeError("it is not a JSON object")
    for name in body:
        if not (isinstance(name, str) and _FIELD.fullmatch(name)):
            raise ValueError(f"the field name {name!r} does not match {_FIELD.pattern}")
    _check_value(body, MAX_DEPTH)


def _check_value(value: object, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_name(name)
            _check_value(item, depth - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_value(item, depth - 1)
    elif isinstance(value, str) and "\0" in value:
        raise ValueError("it holds text with a NUL character")
    elif isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        raise ValueError(f"the integer {value} does not fit in 64 bits")


def _check_name(name: object) -> None:
    if not isinstance(name, str) or "\0" in name:
        raise TypeError(f"the name {name!r} of a value is not text without NUL")


def matches(body: Body, where: Mapping[str, Scalar]) -> bool:
    """Say whether every field that `where` names has exactly that value; see `StorageBackend.find_records`."""
    return all(_equal(body.get(name), wanted) for name, wanted in where.items())


def _equal(found: object, wanted: Scalar) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return found == wanted


def project(body: Body, fields: Collection[str] | None) -> Body:
    """Keep the top-level fields that are named; all of them for `None`."""
    return body if fields is None else {name: value for name, value in body.items() if name in fields}

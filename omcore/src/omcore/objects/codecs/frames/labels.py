"""Names of columns, levels and series as JSON, exactly or not at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from omcore.errors import CorruptBlobError, UnsupportedTypeError

if TYPE_CHECKING:
    from collections.abc import Hashable

_LONGEST_INT = 1 << 63
"""Integers beyond this do not fit into every storage's records."""


def write_label(label: Hashable, what: str) -> Any:
    """Write a label: `None`, text, a number, a bool, a numpy scalar of those, or a tuple of such.

    Raises:
        UnsupportedTypeError: it is anything else.
    """
    if type(label) is str and label.isprintable():
        return label
    if label is None or type(label) is bool:
        return label
    if type(label) is str and not any("\ud800" <= character <= "\udfff" for character in label):
        return label
    if type(label) is int:
        return label if -_LONGEST_INT <= label < _LONGEST_INT else {"int": str(label)}
    if type(label) is float:
        return label if math.isfinite(label) else {"float": repr(label)}
    if type(label) is tuple:
        return {"tuple": [write_label(item, what) for item in label]}
    if isinstance(label, np.integer | np.floating | np.bool_) and label.dtype.itemsize <= 8:
        return {"numpy": label.dtype.str, "value": write_label(label.item(), what)}
    message = f"{what} has the name {label!r} of type {type(label).__name__}; rename it to text or a number first"
    raise UnsupportedTypeError(message)


def read_label(written: Any) -> Hashable:
    """Read what `write_label` wrote.

    Raises:
        CorruptBlobError: it is no such label.
    """
    if written is None or isinstance(written, str | bool | int | float):
        return written
    try:
        if "tuple" in written:
            return tuple(map(read_label, written["tuple"]))
        if "int" in written:
            return int(written["int"])
        if "float" in written:
            return float(written["float"])
        scalar: Hashable = np.dtype(str(written["numpy"])).type(read_label(written["value"]))
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        message = f"{written!r} is no label of a column; store the object again, or restore it from a backup"
        raise CorruptBlobError(message) from error
    return scalar

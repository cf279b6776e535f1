"""An array that several arrays make, one after the other along the first axis; each stays a part of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Content
from omcore.objects.codecs.dtypes import describe, rebuild
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

PIECES = "pieces"
"""The detail that says what each part is: its `dtype`, `shape` and `order`."""

_OBJECTS = np.dtype(object)
_DETAILS = ("dtype", "shape", "order")


def pieces_of(content: Content) -> list[Content]:
    """The arrays that make an array, each as content of its own.

    Raises:
        CorruptBlobError: the details do not say what they are.
    """
    if PIECES not in content.details:
        return [content]
    told = content.details[PIECES]
    if not isinstance(told, list) or len(told) != len(content.parts) or not told:
        raise malformed(content.kind, f"{len(content.parts)} parts, and the pieces {told!r}")
    return [_piece(content, each, number) for number, each in enumerate(told)]


def compose_arrays(contents: Sequence[Content]) -> Content:
    """Put arrays together; nothing is read. Arrays without rows count for nothing.

    Text of different lengths becomes text of the greatest.

    Raises:
        UnsupportedTypeError: an array has no rows to follow each other, another dtype, or another width.
    """
    for content in contents:
        if content.rows is None:
            message = "an array without axes has no rows that others could follow; give it one with reshape"
            raise UnsupportedTypeError(message)
    full = [content for content in contents if content.rows] or contents[:1]
    pieces = [piece for content in full for piece in pieces_of(content)]
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    dtype, rows = _dtype(first), 0
    for piece in pieces:
        if piece.details["shape"][1:] != first.details["shape"][1:]:
            raise _other(rows, f"have the shape {tuple(piece.details['shape'])}", tuple(first.details["shape"]))
        joined = _common(dtype, _dtype(piece))
        if joined is None:
            raise _other(rows, f"have dtype {_dtype(piece)}", str(dtype))
        dtype = joined
        rows += piece.rows or 0
    shape = [rows, *first.details["shape"][1:]]
    order = "F" if any(piece.details["order"] == "F" for piece in pieces) else "C"
    details = {"dtype": _name(dtype), "shape": shape, "order": order}
    details[PIECES] = [{name: piece.details[name] for name in _DETAILS} for piece in pieces]
    parts = tuple(piece.parts[0] for piece in pieces)
    return Content(first.kind, parts, {**first.schema, "dtype": str(dtype), "shape": shape}, details, rows)


def read_pieces(content: Content, read: Callable[[Content], NDArray[Any]]) -> NDArray[Any]:
    """Read an array of several pieces into one.

    Args:
        content: the array.
        read: reads one piece, and refuses one whose bytes are not what its details say.

    Raises:
        CorruptBlobError: the pieces do not make the array that the details speak of.
    """
    try:
        whole = compose_arrays(pieces_of(content))
    except (UnsupportedTypeError, TypeError, KeyError) as error:
        raise malformed(content.kind, f"its pieces do not fit together ({error})") from error
    if any(whole.details[name] != content.details.get(name) for name in _DETAILS):
        raise malformed(content.kind, "its pieces make another array")
    dtype = _dtype(whole)
    pieces = pieces_of(whole)
    for piece in pieces:  # before memory is asked for
        size = math.prod(piece.details["shape"]) * _dtype(piece).itemsize
        if dtype != _OBJECTS and size != piece.parts[0].size:
            raise malformed(content.kind, f"a part of {piece.parts[0].size} bytes has the pieces' {piece.details!r}")
    try:
        array = np.empty(whole.details["shape"], dtype, whole.details["order"])
    except (ValueError, MemoryError) as error:
        raise malformed(content.kind, f"its shape is {whole.details['shape']!r}") from error
    start = 0
    for piece in pieces:
        rows = piece.details["shape"][0]
        array[start : start + rows] = read(piece)
        start += rows
    return array


def _piece(content: Content, told: Any, number: int) -> Content:
    part = content.parts[number]
    shape: Any = told.get("shape") if isinstance(told, dict) else None
    usual = isinstance(shape, list) and shape and all(type(size) is int and size >= 0 for size in shape)
    if not usual or told.get("order") not in ("C", "F") or shape[0] != part.rows:
        raise malformed(content.kind, f"one of its pieces is {told!r}")
    details = {name: told.get(name) for name in _DETAILS}
    schema = {**content.schema, "shape": shape}
    return replace(content, parts=(part,), details=details, schema=schema, rows=shape[0])


def _dtype(content: Content) -> np.dtype[Any]:
    described = content.details.get("dtype")
    return _OBJECTS if described == _OBJECTS.str else rebuild(described)


def _name(dtype: np.dtype[Any]) -> Any:
    return _OBJECTS.str if dtype == _OBJECTS else describe(dtype, "the array")


def _common(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype that both have, the wider of two of text; `None` where there is none."""
    if one == other:
        return one
    text = one.kind == other.kind and one.kind in "US" and one.byteorder == other.byteorder
    return max(one, other, key=lambda each: each.itemsize) if text else None


def _other(row: int, found: str, first: object) -> UnsupportedTypeError:
    message = f"the arrays to put together do not fit: those before row {row} have {first} but those after it {found}"
    return UnsupportedTypeError(f"{message}; convert all of them to one dtype and width")

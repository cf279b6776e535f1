"""numpy arrays and scalars, as their memory is, in either order, streamed; objects only where they are exact JSON."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from omcore.errors import ColumnNotFoundError, UnsupportedTypeError
from omcore.objects.codecs import exact_json
from omcore.objects.codecs.arraypieces import PIECES, compose_arrays, pieces_of, read_pieces
from omcore.objects.codecs.base import Codec, Content, Query
from omcore.objects.codecs.dtypes import describe, memory, rebuild
from omcore.objects.codecs.reading import (
    PIECE,
    detail,
    malformed,
    only_part,
    pieces,
    read_into,
    read_part,
    refuse_query,
)
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from omcore.objects.codecs.base import Sink, Source, Trust

_OBJECTS = np.dtype(object)
_ELEMENTS = frozenset({str, NoneType, bool, int, float})
_MOST_AXES = 64


class ArrayCodec(Codec):
    """Arrays: the order (C or Fortran) is kept, other strides become C order; a projection takes fields by name.

    An array of objects is kept when all of them are text, `None`, bool, int or float: as JSON, in the order of memory.
    """

    api_version = 1
    kind = "numpy.ndarray"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        if type(value) not in (np.ndarray, np.memmap):
            name = type(value).__name__
            message = f"a {name} is more than an array and cannot be kept exactly; store numpy.asarray(...) of it"
            raise UnsupportedTypeError(message)
        rows = value.shape[0] if value.ndim else None
        objects, order = value.dtype == _OBJECTS, _order(value)
        dtype = _OBJECTS.str if objects else describe(value.dtype, "the array")
        details = {"dtype": dtype, "shape": list(value.shape), "order": order}
        part = sink.add(pieces(_dump(value, order)) if objects else _chunks(value), rows=rows)
        return Content(self.kind, (part,), _schema(value), details, rows)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        several = PIECES in content.details
        array = read_pieces(content, partial(_read_any, source=source)) if several else _read_any(content, source)
        return _select(array, query) if query else array

    def part_rows(self, content: Content) -> Sequence[int]:
        """The rows of each array that makes this one."""
        return [piece.rows or 0 for piece in pieces_of(content)]

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:
        """Read some of the arrays that make this one."""
        return self.decode(compose_arrays(pieces_of(content)[parts]), source, query, trust)

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:  # noqa: ARG002 - nothing is read
        """Put arrays together along the first axis, sharing their parts."""
        return compose_arrays(contents)


class ScalarCodec(Codec):
    """numpy scalars, of the same type again."""

    api_version = 1
    kind = "numpy.scalar"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        array = np.asarray(value)
        details = {"dtype": describe(array.dtype, "the scalar"), "shape": [], "order": "C"}
        back = array[()]
        if type(back) is not type(value) or (isinstance(value, str | bytes) and len(back) != len(value)):
            message = f"{value!r} cannot be kept exactly as a numpy scalar; convert it to a Python value first"
            raise UnsupportedTypeError(message)
        return Content(self.kind, (sink.add(pieces(memory(array))),), _schema(array), details)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        return _read(content, source)[()]


def _schema(array: NDArray[Any]) -> dict[str, Any]:
    fields: Any = array.dtype.fields
    columns = {name: str(fields[name][0]) for name in array.dtype.names or ()}
    spelled = str(array.dtype) if array.dtype.names else _spelled(array.dtype)
    return {"columns": columns, "dtype": spelled, "shape": list(array.shape)}


@lru_cache(256)
def _spelled(dtype: np.dtype[Any]) -> str:
    """A dtype without fields as text, which numpy makes anew each time."""
    return str(dtype)


def _order(array: NDArray[Any]) -> Literal["C", "F"]:
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def _dump(array: NDArray[Any], order: Literal["C", "F"]) -> bytes:
    elements = array.ravel(order).tolist()
    if not _ELEMENTS.issuperset(map(type, elements)):
        place, kind = next((at, type(it)) for at, it in np.ndenumerate(array) if type(it) not in _ELEMENTS)
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        message = (
            f"the array has dtype object, and its element at {list(place)} is a {name}, where only str, None, bool, "
            f"int and float are kept; convert it first"
        )
        raise UnsupportedTypeError(message)
    return exact_json.dump(elements, "an array of dtype object")


def _chunks(array: NDArray[Any]) -> Iterator[memoryview]:
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return pieces(memory(array))
    step = max(1, PIECE // max(1, array[:1].nbytes))
    slices = (array[start : start + step] for start in range(0, len(array), step))
    return (memory(np.ascontiguousarray(piece)) for piece in slices)


def _shape(content: Content) -> list[int]:
    shape: list[int] = detail(content, "shape", list)
    if len(shape) > _MOST_AXES or not all(type(size) is int and size >= 0 for size in shape):
        raise malformed(content.kind, f"its shape is {shape!r}")
    return shape


def _read_any(content: Content, source: Source) -> NDArray[Any]:
    objects = content.details.get("dtype") == _OBJECTS.str
    return _read_objects(content, source) if objects else _read(content, source)


def _read_objects(content: Content, source: Source) -> NDArray[Any]:
    """An array of exactly the objects that JSON has; whatever the bytes say, no other comes of them."""
    shape = _shape(content)
    try:
        elements = exact_json.load(read_part(source, only_part(content)))
    except ValueError as error:
        raise malformed(content.kind, f"its elements are no JSON ({error})") from error
    if type(elements) is not list or not _ELEMENTS.issuperset(map(type, elements)):
        raise malformed(content.kind, "its elements are no list of text, numbers, truth values and null")
    if len(elements) != math.prod(shape):
        raise malformed(content.kind, f"{len(elements)} elements do not make an array of shape {shape!r}")
    flat = np.empty(len(elements), _OBJECTS)
    flat[:] = elements
    try:
        return flat.reshape(shape, order="F" if content.details.get("order") == "F" else "C")
    except (ValueError, OverflowError) as error:
        raise malformed(content.kind, f"its shape is {shape!r}") from error


def _read(content: Content, source: Source) -> NDArray[Any]:
    dtype = rebuild(content.details.get("dtype"))
    shape = _shape(content)
    part = only_part(content)
    if math.prod(shape) * dtype.itemsize != part.size:
        raise malformed(content.kind, f"{part.size} bytes do not make an array of shape {shape!r} and dtype {dtype}")
    try:
        array = np.empty(shape, dtype, "F" if content.details.get("order") == "F" else "C")
    except ValueError as error:
        raise malformed(content.kind, f"its shape is {shape!r}") from error
    with source.open(part) as stream:
        read_into(stream, memory(array))
    return array


def _select(array: NDArray[Any], query: Query) -> NDArray[Any]:
    names = array.dtype.names
    if query.columns is None or names is None:
        refuse_query(ArrayCodec.kind, query)
        return array
    refuse_query(ArrayCodec.kind, Query(filter=query.filter))
    for column in query.columns:
        if column not in names:
            message = f"column {column!r} was asked for but {near(column, names)}the array has {listed(names)}"
            raise ColumnNotFoundError(message)
    return array[list(query.columns)].copy()

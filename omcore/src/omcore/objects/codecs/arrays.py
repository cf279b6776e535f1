"""numpy arrays and scalars, as their memory is: any dtype but objects, either order, streamed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from omcore.errors import ColumnNotFoundError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content, Query
from omcore.objects.codecs.dtypes import describe, memory, rebuild
from omcore.objects.codecs.reading import PIECE, detail, malformed, only_part, pieces, read_into, refuse_query
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from omcore.objects.codecs.base import Sink, Source, Trust


class ArrayCodec(Codec):
    """Arrays: the order (C or Fortran) is kept, other strides become C order; a projection takes fields by name."""

    api_version = 1
    kind = "numpy.ndarray"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        if type(value) not in (np.ndarray, np.memmap):
            name = type(value).__name__
            message = f"a {name} is more than an array and cannot be kept exactly; store numpy.asarray(...) of it"
            raise UnsupportedTypeError(message)
        rows = value.shape[0] if value.ndim else None
        details = {
            "dtype": describe(value.dtype, "the array"),
            "shape": list(value.shape),
            "order": "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C",
        }
        part = sink.add(_chunks(value), rows=rows)
        return Content(self.kind, (part,), _schema(value), details, rows)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        array = _read(content, source)
        return _select(array, query) if query else array


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
    return {"columns": columns, "dtype": str(array.dtype), "shape": list(array.shape)}


def _chunks(array: NDArray[Any]) -> Iterator[memoryview]:
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return pieces(memory(array))
    step = max(1, PIECE // max(1, array[:1].nbytes))
    slices = (array[start : start + step] for start in range(0, len(array), step))
    return (memory(np.ascontiguousarray(piece)) for piece in slices)


def _read(content: Content, source: Source) -> NDArray[Any]:
    dtype = rebuild(content.details.get("dtype"))
    shape = detail(content, "shape", list)
    part = only_part(content)
    if not all(type(size) is int and size >= 0 for size in shape):
        raise malformed(content.kind, f"its shape is {shape!r}")
    if math.prod(shape) * dtype.itemsize != part.size or len(shape) > 64:
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

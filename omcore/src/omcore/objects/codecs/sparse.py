"""scipy's sparse matrices and arrays: what they store and where, as memory; nothing that is read can lead outside."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content, Query
from omcore.objects.codecs.dtypes import describe, memory, rebuild
from omcore.objects.codecs.reading import detail, malformed, pieces, read_into, refuse_query
from omcore.objects.codecs.sparsepieces import PIECES, compose_matrices, join, pieces_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from omcore.objects.codecs.base import Part, Sink, Source, Trust
    from omcore.objects.codecs.sparsepieces import Vectors

_CLASSES = frozenset(f"{layout}_{kind}" for layout in ("csr", "csc", "coo") for kind in ("matrix", "array"))
_NUMBERS = "biufc"
_LARGEST = np.iinfo(np.int64).max
_MOST_AXES = 64


class SparseCodec(Codec):
    """Matrices and arrays in the layouts CSR, CSC and COO; whether they are sorted is found out anew when asked."""

    api_version = 1
    kind = "scipy.sparse"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        name = _name(value)
        vectors = _vectors(value)
        if wrong := _misfit(name, value.shape, vectors):
            message = f"this {name} is damaged and cannot be kept: {wrong}; build it anew from its numbers"
            raise UnsupportedTypeError(message)
        shape = [int(size) for size in value.shape]
        details = {
            "class": name,
            "shape": shape,
            "dtypes": [describe(vector.dtype, f"the {name}") for vector in vectors],
        }
        parts = tuple(sink.add(pieces(memory(np.ascontiguousarray(vector)))) for vector in vectors)
        schema = {"columns": {}, "dtype": str(value.dtype), "shape": shape, "stored": len(vectors[0])}
        return Content(self.kind, parts, schema, details, shape[0])

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        if PIECES in content.details:
            name, shape, vectors = _read_pieces(content, source)
        else:
            name, shape, vectors = _read_matrix(content, source)
        try:
            return _build(name, shape, vectors)
        except (ValueError, TypeError, OverflowError) as error:
            raise malformed(self.kind, str(error)) from error

    def part_rows(self, content: Content) -> Sequence[int]:
        """The rows of each matrix that makes this one."""
        return [piece.rows or 0 for piece in pieces_of(content)]

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:
        """Read some of the matrices that make this one."""
        return self.decode(compose_matrices(pieces_of(content)[parts]), source, query, trust)

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:  # noqa: ARG002 - nothing is read
        """Put matrices together, one below the other, sharing their parts."""
        return compose_matrices(contents)


def _read_matrix(content: Content, source: Source) -> tuple[str, tuple[int, ...], Vectors]:
    """The class, the shape and the vectors of a matrix; none of them leads outside."""
    name, shape = detail(content, "class", str), tuple(detail(content, "shape", list))
    dtypes = detail(content, "dtypes", list)
    if name not in _CLASSES or len(dtypes) != len(content.parts) or not content.parts:
        raise malformed(content.kind, f"{len(content.parts)} parts, {len(dtypes)} dtypes and the class {name!r}")
    vectors = [_read(part, source, rebuild(dtype)) for part, dtype in zip(content.parts, dtypes, strict=True)]
    if wrong := _misfit(name, shape, vectors):
        raise malformed(content.kind, wrong)
    return name, shape, vectors


def _read_pieces(content: Content, source: Source) -> tuple[str, tuple[int, ...], Vectors]:
    """As `_read_matrix`, of a matrix that several make."""
    try:
        whole = compose_matrices(pieces_of(content))
    except (UnsupportedTypeError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise malformed(content.kind, f"its pieces do not fit together ({error})") from error
    if any(whole.details[name] != content.details.get(name) for name in ("class", "shape")):
        raise malformed(content.kind, "its pieces make another matrix")
    found = [_read_matrix(piece, source) for piece in pieces_of(whole)]
    name, shape = found[0][0], tuple(whole.details["shape"])
    return name, shape, join(name, [shape for _, shape, _ in found], [vectors for _, _, vectors in found])


def _name(value: Any) -> str:
    """The name of the class, if it is one that is kept."""
    name = type(value).__name__
    if name not in _CLASSES or type(value) is not _class(name):
        message = (
            f"a {name} cannot be kept exactly; convert it first, with .tocsr(), to a layout that can: csr, csc or coo"
        )
        raise UnsupportedTypeError(message)
    return name


def _class(name: str) -> Any:
    return getattr(import_module("scipy.sparse"), name, None)  # only here: it takes long, and most values are dense


def _vectors(value: Any) -> list[NDArray[Any]]:
    """The vectors of a matrix: its data, then what says where they are."""
    if value.format == "coo":
        return [value.data, *_coordinates(value)]
    stored = int(value.indptr[-1]) if len(value.indptr) else 0
    kept = max(stored, 0)  # there may be room behind, which is no part of the matrix
    return [value.data[:kept], value.indices[:kept], value.indptr]


def _coordinates(value: Any) -> Sequence[NDArray[Any]]:
    return value.coords if hasattr(value, "coords") else (value.row, value.col)


def _read(part: Part, source: Source, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind not in _NUMBERS or type(part.size) is not int or part.size < 0 or part.size % dtype.itemsize:
        raise malformed(SparseCodec.kind, f"{part.size!r} bytes are no numbers of dtype {dtype}")
    try:
        vector = np.empty(part.size // dtype.itemsize, dtype)
    except (ValueError, MemoryError) as error:
        raise malformed(SparseCodec.kind, f"a part of {part.size} bytes does not fit into memory") from error
    with source.open(part) as stream:
        read_into(stream, memory(vector))
    return vector


def _misfit(name: str, shape: Sequence[Any], vectors: Sequence[NDArray[Any]]) -> str:
    """Say what is wrong with a matrix, or nothing.

    scipy's own full check does not look at all when the last pointer says that nothing is stored, and its compiled code
    then follows the other pointers.
    """
    if not all(type(size) is int and 0 <= size <= _LARGEST for size in shape):
        return f"its shape is {tuple(shape)!r}"
    if not _has_axes(name, len(shape)):
        return f"a {name} has no {len(shape)} axes"
    if len(vectors) != (len(shape) + 1 if name.startswith("coo") else 3):
        return f"it has {len(vectors)} vectors for {len(shape)} axes"
    data, *places = vectors
    if data.dtype.kind not in _NUMBERS or any(it.dtype.kind != "i" or it.dtype.itemsize < 4 for it in places):
        return f"its dtypes are {[str(vector.dtype) for vector in vectors]}"
    if any(vector.ndim != 1 for vector in vectors):
        return "its vectors have several axes"
    if name.startswith("coo"):
        return _misplaced(places, shape, len(data))
    indices, pointers = places
    return _misled(indices, pointers, shape if name.startswith("csr") else shape[::-1], len(data))


def _has_axes(name: str, axes: int) -> bool:
    most = {"coo_array": _MOST_AXES, "csr_array": 2}
    return 1 <= axes <= most[name] if name in most else axes == 2


def _misplaced(coordinates: Sequence[NDArray[Any]], shape: Sequence[int], stored: int) -> str:
    """Say which coordinates are outside of the shape."""
    for axis, (places, size) in enumerate(zip(coordinates, shape, strict=True)):
        if len(places) != stored:
            return f"{stored} numbers are stored but axis {axis} has {len(places)} places"
        if stored and not 0 <= places.min() <= places.max() < size:
            return f"axis {axis} has {size} places but {places.min()} to {places.max()} are used"
    return ""


def _misled(indices: NDArray[Any], pointers: NDArray[Any], shape: Sequence[int], stored: int) -> str:
    """Say which indices and pointers lead outside: the last axis has the indices, the one before it the pointers."""
    rows, columns = (1, *shape)[-2:]
    if len(pointers) != rows + 1:
        return f"there are {len(pointers)} pointers where there should be {rows + 1}"
    # compared and not subtracted: a difference may overflow
    if pointers[0] != 0 or pointers[-1] != stored or (pointers[1:] < pointers[:-1]).any():
        return f"its pointers do not lead from 0 up to the {stored} numbers that are stored"
    return _misplaced([indices], [columns], stored)


def _build(name: str, shape: tuple[int, ...], vectors: Sequence[NDArray[Any]]) -> Any:
    """Put the matrix together; scipy would narrow the places where it can, so they are given back as they were."""
    data, *places = vectors
    made = _class(name)
    wide = all(vector.dtype.itemsize == 8 for vector in places)
    if name.startswith("coo"):
        matrix = made((data, tuple(places)), shape=shape)
        if wide and hasattr(matrix, "coords"):
            matrix.coords = tuple(vector.astype(np.int64, copy=False) for vector in places)
        return matrix
    matrix = made((data, *places), shape=shape)
    if wide:
        matrix.indices, matrix.indptr = (vector.astype(np.int64, copy=False) for vector in places)
    return matrix

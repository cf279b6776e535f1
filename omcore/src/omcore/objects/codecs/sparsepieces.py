"""A sparse matrix that several make, one below the other; the vectors of each stay parts of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Content
from omcore.objects.codecs.dtypes import rebuild
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PIECES = "pieces"
"""The detail that says of each matrix its `shape` and the `dtypes` of its vectors."""

Vectors: TypeAlias = "list[NDArray[Any]]"
"""The vectors of a matrix: its data, then what says where they are."""

_SHORT = np.iinfo(np.int32).max


def pieces_of(content: Content) -> list[Content]:
    """The matrices that make a matrix, each as content of its own.

    Raises:
        CorruptBlobError: the details do not say what they are.
    """
    if PIECES not in content.details:
        return [content]
    told = content.details[PIECES]
    try:
        counts = [len(each["dtypes"]) for each in told]
        starts = [0, *accumulate(counts)]
        pieces = [_piece(content, each, start) for each, start in zip(told, starts, strict=False)]
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise malformed(content.kind, f"its pieces are {told!r}") from error
    if starts[-1] != len(content.parts) or not pieces:
        raise malformed(content.kind, f"{len(content.parts)} parts, and the pieces {told!r}")
    return pieces


def compose_matrices(contents: Sequence[Content]) -> Content:
    """Put matrices together, one below the other; nothing is read. Those without rows count for nothing.

    Raises:
        UnsupportedTypeError: they differ in layout, dtype or width, or are no rows to follow each other.
    """
    full = [content for content in contents if content.rows] or contents[:1]
    pieces = [piece for content in full for piece in pieces_of(content)]
    first = pieces[0]
    if len(pieces) == 1:
        return first
    if len(first.details["shape"]) == 1 and first.details["class"].startswith("csr"):
        message = "sparse vectors of the layout csr are no rows that others could follow; convert them with .tocoo()"
        raise UnsupportedTypeError(message)
    row = 0
    for piece in pieces:
        if _form(piece) != _form(first):
            titles = [f"{each[0]} of {each[1]} with {each[2]} columns" for each in (_form(first), _form(piece))]
            message = f"the matrices to put together are {titles[0]} at first but {titles[1]} from row {row} on"
            raise UnsupportedTypeError(f"{message}; convert all of them to one layout, dtype and width")
        row += piece.rows or 0
    shape = [row, *first.details["shape"][1:]]
    stored = sum(piece.schema.get("stored", 0) for piece in pieces)
    details = {name: first.details[name] for name in ("class", "dtypes")} | {"shape": shape}
    details[PIECES] = [{"shape": piece.details["shape"], "dtypes": piece.details["dtypes"]} for piece in pieces]
    parts = tuple(part for piece in pieces for part in piece.parts)
    return Content(first.kind, parts, {**first.schema, "shape": shape, "stored": stored}, details, row)


def join(name: str, shapes: Sequence[Sequence[int]], pieces: Sequence[Vectors]) -> Vectors:
    """The vectors of the matrix that matrices of one layout make; each must be sound.

    The order of what is stored is kept: within a row as it was, and within a column by rows.
    """
    starts = [0, *accumulate(shape[0] for shape in shapes)]
    data = [vectors[0] for vectors in pieces]
    stored = sum(map(len, data))
    places = _place_dtype(pieces, max(stored, starts[-1]))
    if name.startswith("coo"):
        rows = [places.type(start) + vectors[1].astype(places) for start, vectors in zip(starts, pieces, strict=False)]
        others = zip(*(vectors[2:] for vectors in pieces), strict=True)
        return [np.concatenate(data), np.concatenate(rows), *(np.concatenate(each).astype(places) for each in others)]
    if name.startswith("csr"):
        offsets = [0, *accumulate(map(len, data))]
        ends = [vectors[2][1:].astype(places) + places.type(at) for at, vectors in zip(offsets, pieces, strict=False)]
        indices = np.concatenate([vectors[1] for vectors in pieces]).astype(places)
        return [np.concatenate(data), indices, np.concatenate([np.zeros(1, places), *ends])]
    return _join_columns(pieces, starts, stored, places)


def _join_columns(pieces: Sequence[Vectors], starts: Sequence[int], stored: int, places: np.dtype[Any]) -> Vectors:
    """Of matrices whose numbers are stored by column: each column's numbers, piece after piece."""
    ends: list[NDArray[np.int64]] = [vectors[2].astype(np.int64) for vectors in pieces]
    counts = [end[1:] - end[:-1] for end in ends]
    pointers = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.sum(counts, axis=0))])
    data, indices = np.empty(stored, pieces[0][0].dtype), np.empty(stored, places)
    free = pointers[:-1].copy()
    for (values, rows, _), end, count, start in zip(pieces, ends, counts, starts, strict=False):
        targets = np.repeat(free - end[:-1], count) + np.arange(len(values))
        data[targets] = values
        indices[targets] = rows.astype(places) + places.type(start)
        free += count
    return [data, indices, pointers.astype(places)]


def _place_dtype(pieces: Sequence[Vectors], largest: int) -> np.dtype[Any]:
    long = largest > _SHORT or any(vector.dtype.itemsize > 4 for vectors in pieces for vector in vectors[1:])
    return np.dtype(np.int64 if long else np.int32)


def _form(piece: Content) -> tuple[Any, ...]:
    details = piece.details
    width = "x".join(map(str, details["shape"][1:]))
    return details["class"], rebuild(details["dtypes"][0]), width


def _piece(content: Content, told: Any, start: int) -> Content:
    shape, dtypes = told["shape"], told["dtypes"]
    details = {"class": content.details["class"], "shape": shape, "dtypes": dtypes}
    parts = content.parts[start : start + len(dtypes)]
    stored = parts[0].size // max(1, rebuild(dtypes[0]).itemsize)
    schema = {**content.schema, "shape": shape, "stored": stored}
    return replace(content, parts=parts, details=details, schema=schema, rows=shape[0])

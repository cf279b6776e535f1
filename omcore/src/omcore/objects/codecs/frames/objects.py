"""Columns of Python objects: which kind of cell they hold, and in which of pandas' four ways a cell is missing."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.cells import Cells, MisfitError, kinds
from omcore.objects.codecs.frames.columntypes import ColumnType, read_arrow_type, write_arrow_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from omcore.objects.codecs.frames.columntypes import TypeReader, TypeWriter

_MISSING: Mapping[str, Any] = {"none": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}
"""The four ways to say "missing", by the name they have in the details."""

WAYS = tuple(_MISSING)
"""Their names, in the order of the numbers that a column of several ways keeps."""

_TYPES: Mapping[type, str] = {type(value): name for name, value in _MISSING.items()}
SEVERAL = "several"
"""How the details say that a column says \"missing\" in several ways."""


@functools.cache
def _kinds() -> Mapping[str, Cells]:
    return {cells.name: cells for cells in kinds()}


class ObjectType(ColumnType):
    """Python objects of one kind; a column that says "missing" in several ways notes which, cell by cell."""

    name = "object"

    def __init__(self, cells: Cells, missing: str, cell_type: pa.DataType) -> None:
        self.cells = cells
        self.missing = missing
        self.cell_type = cell_type

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        described = {"cells": self.cells.name, "missing": self.missing}
        return described if self.cells.physical is not None else described | {"arrow": write_arrow_type(self.cell_type)}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        cells = _kinds()[described["cells"]]
        if described["missing"] not in (*WAYS, SEVERAL):
            raise ValueError(described["missing"])
        kind = cells.physical if cells.physical is not None else read_arrow_type(described["arrow"])
        return cls(cells, described["missing"], kind)

    def physical(self) -> pa.DataType:
        if self.missing != SEVERAL:
            return self.cell_type
        return pa.struct([("cell", self.cell_type), ("missing", pa.int8())])

    def to_arrow(self, values: Any) -> pa.Array:
        _, array = study(values, "the column")
        return array

    def to_pandas(self, column: pa.ChunkedArray) -> NDArray[Any]:
        cells, ways = column.flatten() if self.missing == SEVERAL else (column, None)
        values = np.fromiter(self.cells.to_cells(cells), object, len(column))
        if ways is not None:
            for position, way in enumerate(ways.to_pylist()):
                if way is not None:
                    values[position] = _MISSING[WAYS[way]]
        elif self.missing != "none" and cells.null_count:
            values[cells.is_null().to_numpy()] = _MISSING[self.missing]
        return values

    def comparable(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column.flatten()[0] if self.missing == SEVERAL else column

    def missing_as(self, missing: str) -> ObjectType:
        """The same cells, with another way to say "missing"."""
        return ObjectType(self.cells, missing, self.cell_type)

    def conform(self, column: pa.ChunkedArray, old: ObjectType) -> pa.Array:
        """Cells that were kept as another type of the same cells, or all missing, as this type keeps them."""
        cells, ways = column.flatten() if old.missing == SEVERAL else (column, None)
        cells = cells.combine_chunks() if cells.type == self.cell_type else pa.nulls(len(cells), self.cell_type)
        if self.missing != SEVERAL:
            return cells
        if ways is None:
            way = pa.scalar(WAYS.index(old.missing), pa.int8())
            ways = pc.if_else(cells.is_null(), way, pa.scalar(None, pa.int8()))
        else:
            ways = ways.combine_chunks()
        return pa.StructArray.from_arrays([cells, ways], ["cell", "missing"])

    def title(self) -> str:
        return f"object[{self.cells.name}]"


def study(values: NDArray[Any], what: str) -> tuple[ObjectType, pa.Array]:
    """Find out what kind of cells a column of objects holds, and turn it into Arrow.

    Raises:
        UnsupportedTypeError: no kind keeps all of them exactly; names the column and says why.
    """
    try:
        missing, ways = _missing(values)
    except ArithmeticError as error:
        message = f"{what} holds a signalling NaN, with which pandas cannot deal; replace it first"
        raise UnsupportedTypeError(message) from error
    kind, array = _convert(values, missing, what)
    if len(ways) > 1:
        codes = pa.array([WAYS.index(_TYPES[type(gone)]) for gone in values[missing]], pa.int8())
        spread = codes.take(pa.array(np.cumsum(missing) - 1, mask=~missing))
        return ObjectType(kind, SEVERAL, array.type), pa.StructArray.from_arrays([array, spread], ["cell", "missing"])
    return ObjectType(kind, next(iter(ways), "none"), array.type), array


def _missing(values: NDArray[Any]) -> tuple[NDArray[np.bool_], set[str]]:
    """Which cells are missing, and in which ways; a decimal NaN or a numpy scalar is a value."""
    missing: NDArray[np.bool_] = np.asarray(pd.isna(values))
    gone = values[missing]
    odd = np.fromiter((type(value) not in _TYPES for value in gone), bool, len(gone))
    missing[np.flatnonzero(missing)[odd]] = False
    return missing, {_TYPES[type(value)] for value in gone[~odd]}


def _convert(values: NDArray[Any], missing: NDArray[np.bool_], what: str) -> tuple[Cells, pa.Array]:
    found = set(map(type, values[~missing]))
    why = ""
    for kind in _kinds().values():
        if found <= kind.types:
            try:
                return kind, kind.to_arrow(values, missing)
            except MisfitError as error:
                why = str(error)
    names = ", ".join(sorted(f"{each.__module__}.{each.__qualname__}".removeprefix("builtins.") for each in found))
    reason = f" ({why})" if why else ""
    held = f"{what} holds objects of type {names} that cannot be kept exactly{reason}"
    message = f"{held}; convert it to text or a pandas dtype"
    raise UnsupportedTypeError(message)

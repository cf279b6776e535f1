"""Columns whose type is made of another column's type: categories, intervals, sparse values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.frames.columntypes import ColumnType, NumpyType, describe_type, fill, flat
from omcore.objects.codecs.frames.labels import read_label, write_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.codecs.frames.columntypes import TypeReader, TypeWriter


def values_of(values: Any) -> Any:
    """The values of an index or series: a numpy array for numpy's dtypes, an extension array for the others."""
    return values.to_numpy() if isinstance(values.dtype, np.dtype) else values.array


class CategoryType(ColumnType):
    """Categories: codes in the rows, the categories themselves in a dictionary."""

    name = "category"

    def __init__(
        self, ordered: bool | None, items: ColumnType, dictionary: pa.ChunkedArray, codes: np.dtype[Any]
    ) -> None:
        self.ordered = ordered
        self.items = items
        self.dictionary = dictionary
        self.codes = codes

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        return {
            "ordered": self.ordered,
            "items": describe_type(self.items, writer),
            "dictionary": writer.dictionary(self.dictionary),
            "codes": self.codes.str,
        }

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        codes = np.dtype(str(described["codes"]))
        items = reader.type(described["items"])
        return cls(described["ordered"], items, reader.dictionary(described["dictionary"]), codes)

    @property
    def dtype(self) -> Any:
        """The dtype of pandas."""
        values = self.items.to_pandas(self.dictionary)
        plain = isinstance(values, np.ndarray) and values.dtype == object
        return pd.CategoricalDtype(pd.Index(values, dtype=object) if plain else pd.Index(values), self.ordered)

    def physical(self) -> pa.DataType:
        return pa.from_numpy_dtype(self.codes)

    def to_arrow(self, values: Any) -> pa.Array:
        return pa.array(values.codes, mask=values.codes < 0)

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        codes = np.empty(len(column), self.codes)
        fill(codes, column.fill_null(-1) if column.null_count else column)
        return pd.Categorical.from_codes(codes, dtype=self.dtype)

    def title(self) -> str:
        return f"category[{self.items.title()}]"


class IntervalType(ColumnType):
    """Intervals, as their two ends."""

    name = "interval"

    def __init__(self, dtype: Any, ends: ColumnType) -> None:
        self.dtype = dtype
        self.ends = ends

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        return {
            "subtype": str(self.dtype.subtype),
            "closed": self.dtype.closed,
            "ends": describe_type(self.ends, writer),
        }

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        dtype = pd.IntervalDtype(str(described["subtype"]), described["closed"])
        return cls(dtype, reader.type(described["ends"]))

    def physical(self) -> pa.DataType:
        end = self.ends.physical()
        return pa.struct([("left", end), ("right", end)])

    def to_arrow(self, values: Any) -> pa.Array:
        left, right = (self.ends.to_arrow(values_of(end)) for end in (values.left, values.right))
        return pa.StructArray.from_arrays([left, right], ["left", "right"])

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        left, right = (self.ends.to_pandas(end) for end in column.flatten())
        return pd.arrays.IntervalArray.from_arrays(left, right, closed=self.dtype.closed, dtype=self.dtype)

    def comparable(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return self.ends.comparable(column.flatten()[0])

    def title(self) -> str:
        return str(self.dtype)


class SparseType(ColumnType):
    """Sparse values; the rows hold them densely, which compresses well."""

    name = "sparse"

    def __init__(self, dtype: Any, kind: str) -> None:
        self.dtype = dtype
        self.kind = kind
        self.dense = NumpyType(dtype.subtype)

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        fill_value = self.dtype.subtype.type(self.dtype.fill_value).item()
        return {**self.dense.describe(writer), "fill": write_label(fill_value, "a sparse column"), "kind": self.kind}

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        subtype = NumpyType.read(described, reader).dtype
        fill_value = subtype.type(read_label(described["fill"]))
        return cls(pd.SparseDtype(subtype, fill_value), str(described["kind"]))

    def physical(self) -> pa.DataType:
        return self.dense.physical()

    def to_arrow(self, values: Any) -> pa.ChunkedArray:
        return flat(self.dense.to_arrow(np.asarray(values.to_dense())))

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        make: Any = pd.arrays.SparseArray  # the stubs know kinds by literal only
        return make(self.dense.to_pandas(column), dtype=self.dtype, kind=self.kind)

    def title(self) -> str:
        return str(self.dtype)

"""Columns of the dtypes that pandas adds to numpy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.frames.columntypes import (
    ColumnType,
    NumpyType,
    as_integers,
    flat,
    ordinals,
    read_arrow_type,
    write_arrow_type,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.codecs.frames.columntypes import TypeReader, TypeWriter


class ZonedType(ColumnType):
    """Datetimes with a time zone, kept in UTC."""

    name = "zoned"

    def __init__(self, unit: str, zone: str) -> None:
        make: Any = pd.DatetimeTZDtype  # the stubs know units by literal only
        self.unit = unit
        self.zone = zone
        self.dtype: Any = make(unit, zone)

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"unit": self.unit, "zone": self.zone}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        return cls(str(described["unit"]), str(described["zone"]))

    def physical(self) -> pa.DataType:
        return pa.int64() if self.unit == "s" else pa.timestamp(self.unit, "UTC")

    def to_arrow(self, values: Any) -> pa.Array:
        naive = values.tz_convert(None).to_numpy()
        return pa.array(np.ascontiguousarray(naive)).view(self.physical())

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        naive = ordinals(column).view(f"M8[{self.unit}]")
        # what an index gives away is read-only
        return pd.DatetimeIndex(naive).tz_localize("UTC").tz_convert(self.dtype.tz).array.copy()

    def comparable(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return as_integers(column)

    def title(self) -> str:
        return str(self.dtype)


class PeriodType(ColumnType):
    """Periods, kept as their ordinals."""

    name = "period"

    def __init__(self, freq: str) -> None:
        self.dtype = pd.PeriodDtype(freq)
        self.freq = freq

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"freq": self.freq}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        return cls(str(described["freq"]))

    def physical(self) -> pa.DataType:
        return pa.int64()

    def to_arrow(self, values: Any) -> pa.Array:
        return pa.array(np.asarray(values.view("i8")), mask=np.asarray(values.isna()))

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        return pd.arrays.PeriodArray(ordinals(column), dtype=self.dtype)

    def title(self) -> str:
        return str(self.dtype)


class MaskedType(ColumnType):
    """The nullable integers, floats and booleans of pandas."""

    name = "masked"

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"dtype": self.dtype.name}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        return cls(MASKED[str(described["dtype"])]())

    def physical(self) -> pa.DataType:
        return pa.from_numpy_dtype(self.dtype.numpy_dtype)

    def to_arrow(self, values: Any) -> pa.Array:
        return pa.array(values.to_numpy(self.dtype.numpy_dtype, na_value=self._filler), mask=np.asarray(values.isna()))

    @property
    def _filler(self) -> Any:
        return self.dtype.numpy_dtype.type(0)

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        dense = column.fill_null(self._filler.item()) if column.null_count else column
        values = NumpyType(self.dtype.numpy_dtype).to_pandas(dense)
        mask = np.empty(len(column), bool)
        mask[:] = column.is_null().to_numpy()
        return self.dtype.construct_array_type()(values, mask)

    def title(self) -> str:
        return str(self.dtype.name)


MASKED: Mapping[str, Any] = {
    dtype.name: dtype
    for dtype in (
        *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype),
        *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
        *(pd.Float32Dtype, pd.Float64Dtype, pd.BooleanDtype),
    )
}
"""The nullable dtypes of pandas by name."""


class StringType(ColumnType):
    """The string dtypes of pandas, told apart by where they keep text and what stands for missing."""

    name = "string"

    def __init__(self, storage: str, missing: str) -> None:
        self.storage = storage
        self.missing = missing
        self.dtype = _string_dtype(storage, missing)

    @classmethod
    def of(cls, dtype: Any) -> Self:
        """The type of a string dtype of pandas."""
        return cls(dtype.storage.removesuffix("_numpy"), "NA" if dtype.na_value is pd.NA else "nan")

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"storage": self.storage, "missing": self.missing}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        return cls(str(described["storage"]), str(described["missing"]))

    def physical(self) -> pa.DataType:
        return pa.large_string()

    def to_arrow(self, values: Any) -> pa.ChunkedArray:
        return flat(pa.array(values)).cast(self.physical())

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        return self.dtype.__from_arrow__(column)

    def title(self) -> str:
        return str(self.dtype)


def _string_dtype(storage: str, missing: str) -> Any:
    if missing != "nan":
        return pd.StringDtype(storage)
    try:
        return pd.StringDtype(storage, na_value=np.nan)
    except TypeError:  # before pandas 2.3 there is one such dtype, under a name of its own
        return pd.StringDtype("pyarrow_numpy")


class ArrowType(ColumnType):
    """Columns that pandas keeps as Arrow, as they are."""

    name = "arrow"

    def __init__(self, arrow: pa.DataType) -> None:
        self.arrow = arrow

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"arrow": write_arrow_type(self.arrow)}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        return cls(read_arrow_type(described["arrow"]))

    def physical(self) -> pa.DataType:
        return self.arrow

    def to_arrow(self, values: Any) -> pa.ChunkedArray:
        return flat(pa.array(values))

    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        return pd.arrays.ArrowExtensionArray(column)

    def title(self) -> str:
        return f"{self.arrow}[pyarrow]"

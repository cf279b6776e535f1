"""What a column is: the pandas dtype as JSON, and the way to Arrow and back.

One class a family of dtypes. `infer` in `omcore.objects.codecs.frames.infer` chooses it when a column is written, and
`read_type` there finds it again by name.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import pyarrow as pa

from omcore.errors import CorruptBlobError
from omcore.objects.codecs.dtypes import rebuild

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class TypeWriter(Protocol):
    """Where a type leaves what is too big for JSON."""

    def dictionary(self, values: pa.Array | pa.ChunkedArray) -> str:
        """Keep a column of its own, and name it."""
        ...


class TypeReader(Protocol):
    """Where a type finds what it left, and the types it is made of."""

    def dictionary(self, name: str) -> pa.ChunkedArray:
        """The column that was kept under this name."""
        ...

    def type(self, described: Mapping[str, Any]) -> ColumnType:
        """Read a type that `describe_type` wrote."""
        ...


class ColumnType(ABC):
    """One family of column types. Instances are immutable."""

    name: ClassVar[str]
    """What the family is called in the details of the content."""

    @abstractmethod
    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        """The type as JSON, without its family's name; a dictionary that it needs goes to the writer."""

    @classmethod
    @abstractmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        """Read what `describe` wrote; may raise `KeyError`, `TypeError` or `ValueError` where it is no such thing."""

    @abstractmethod
    def physical(self) -> pa.DataType:
        """The Arrow type that the column must have."""

    @abstractmethod
    def to_arrow(self, values: Any) -> pa.Array | pa.ChunkedArray:
        """Turn pandas values of this type into Arrow."""

    @abstractmethod
    def to_pandas(self, column: pa.ChunkedArray) -> Any:
        """Turn Arrow into the pandas values they were: a numpy array or an extension array."""

    def comparable(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """What of the column a filter compares, with nulls where pandas has them."""
        return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column

    @abstractmethod
    def title(self) -> str:
        """The type for people."""


def describe_type(column: ColumnType, writer: TypeWriter) -> dict[str, Any]:
    """A type as JSON, with the name of its family under `type`."""
    return {"type": column.name, **column.describe(writer)}


class NumpyType(ColumnType):
    """Booleans, integers and floats of numpy; NaN stays a value."""

    name = "numpy"

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"dtype": self.dtype.str}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        dtype = rebuild(described["dtype"])
        if not is_primitive(dtype):
            message = f"{dtype} is no dtype of numbers or booleans; store the object again"
            raise CorruptBlobError(message)
        return cls(dtype)

    def physical(self) -> pa.DataType:
        return pa.from_numpy_dtype(self.dtype.newbyteorder("="))

    def to_arrow(self, values: Any) -> pa.Array:
        native = np.ascontiguousarray(values).astype(self.dtype.newbyteorder("="), copy=False)
        return pa.array(native, self.physical(), from_pandas=False)

    def to_pandas(self, column: pa.ChunkedArray) -> NDArray[Any]:
        values = np.empty(len(column), self.dtype)
        fill(values, column)
        return values

    def title(self) -> str:
        return str(self.dtype)


class RawType(ColumnType):
    """Numbers that Arrow does not know, such as complex ones, as their bytes."""

    name = "raw"

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"dtype": self.dtype.str}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        return cls(rebuild(described["dtype"]))

    def physical(self) -> pa.DataType:
        return pa.binary(self.dtype.itemsize)

    def to_arrow(self, values: Any) -> pa.Array:
        data = pa.py_buffer(np.ascontiguousarray(values).view(np.uint8))
        return pa.Array.from_buffers(self.physical(), len(values), [None, data])

    def to_pandas(self, column: pa.ChunkedArray) -> NDArray[Any]:
        values = np.empty(len(column), self.dtype)
        start = 0
        for chunk in column.chunks:
            raw = np.frombuffer(chunk.buffers()[1], self.dtype)[chunk.offset : chunk.offset + len(chunk)]
            values[start : start + len(chunk)] = raw
            start += len(chunk)
        return values

    def title(self) -> str:
        return str(self.dtype)


class TimeType(ColumnType):
    """Naive datetimes and timedeltas, in their own unit; seconds as integers because Parquet has no seconds."""

    name = "time"

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"dtype": self.dtype.str}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        dtype = rebuild(described["dtype"])
        if dtype.kind not in "mM" or np.datetime_data(dtype) not in {(unit, 1) for unit in ("s", "ms", "us", "ns")}:
            message = f"{dtype} is no dtype of times; store the object again"
            raise CorruptBlobError(message)
        return cls(dtype)

    @property
    def unit(self) -> str:
        """`s`, `ms`, `us` or `ns`."""
        return np.datetime_data(self.dtype)[0]

    def physical(self) -> pa.DataType:
        if self.dtype.kind == "m" or self.unit == "s":
            return pa.int64()
        return pa.timestamp(self.unit)

    def to_arrow(self, values: Any) -> pa.Array:
        array = pa.array(np.ascontiguousarray(values).astype(self.dtype.newbyteorder("="), copy=False))
        return array.view(self.physical())

    def to_pandas(self, column: pa.ChunkedArray) -> NDArray[Any]:
        values = ordinals(column)
        return values.view(self.dtype.newbyteorder("=")).astype(self.dtype, copy=False)

    def comparable(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return as_integers(column)

    def title(self) -> str:
        return str(self.dtype)


NAT = np.iinfo(np.int64).min
"""How numpy writes "not a time"."""


def is_primitive(dtype: np.dtype[Any]) -> bool:
    """Say whether Arrow has this dtype of numbers or booleans."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def as_integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The integers that times are made of, nulls kept."""
    if pa.types.is_int64(column.type):
        return column
    return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())


def ordinals(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The integers that times are made of, with `NAT` for null, in memory of their own."""
    integers = as_integers(column)
    values = np.empty(len(column), np.int64)
    fill(values, integers.fill_null(NAT) if integers.null_count else integers)
    return values


def fill(target: NDArray[Any], column: pa.ChunkedArray) -> None:
    """Copy a column without nulls into an array of its length.

    Raises:
        CorruptBlobError: there are nulls, where the type has none.
    """
    if column.null_count:
        message = f"a column of {target.dtype} has {column.null_count} nulls; store the object again"
        raise CorruptBlobError(message)
    start = 0
    for chunk in column.chunks:
        target[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)


def write_arrow_type(kind: pa.DataType) -> str:
    """An Arrow type as text."""
    schema: bytes = pa.schema([("type", kind)]).serialize().to_pybytes()
    return base64.b64encode(schema).decode()


def read_arrow_type(text: str) -> pa.DataType:
    """Read what `write_arrow_type` wrote; raises `ValueError` where it is no such thing."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text, validate=True))).field("type").type


def flat(array: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """One form for what Arrow gives in two."""
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array], array.type)

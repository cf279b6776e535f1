"""Which column type a column has, and which one the details speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.columntypes import ColumnType, NumpyType, RawType, TimeType, flat, is_primitive
from omcore.objects.codecs.frames.composed import CategoryType, IntervalType, SparseType, values_of
from omcore.objects.codecs.frames.extensions import MASKED, ArrowType, MaskedType, PeriodType, StringType, ZonedType
from omcore.objects.codecs.frames.objects import ObjectType, study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is ready to be written.

    Attributes:
        type: what it is.
        raw: the values, where they become Arrow without a copy, piece by piece.
        array: the values as Arrow, where `raw` is `None`.
    """

    type: ColumnType
    raw: NDArray[Any] | None = None
    array: pa.ChunkedArray | None = None


TYPES: Mapping[str, type[ColumnType]] = {
    each.name: each
    for each in (
        *(NumpyType, RawType, TimeType, ObjectType),
        *(ZonedType, PeriodType, MaskedType, StringType, ArrowType),
        *(CategoryType, IntervalType, SparseType),
    )
}
"""Every column type by the name that the details call it."""


def infer(values: Any, what: str) -> Column:
    """Find the type of a column, and make it ready to be written.

    Args:
        values: a numpy array or an extension array of pandas.
        what: what to call the column in an error.

    Raises:
        UnsupportedTypeError: no type keeps it exactly.
    """
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        if is_primitive(dtype):
            return Column(NumpyType(dtype), raw=values)
        if dtype.kind == "O":
            found, array = study(values, what)
            return Column(found, array=flat(array))
    kind = _of_numpy(dtype) if isinstance(dtype, np.dtype) else _of_pandas(values, what)
    if kind is None:
        message = f"{what} has dtype {dtype}, which cannot be kept exactly; convert it to another dtype first"
        raise UnsupportedTypeError(message)
    return Column(kind, array=flat(kind.to_arrow(values)))


def _of_numpy(dtype: np.dtype[Any]) -> ColumnType | None:
    if dtype.kind in "mM":
        return TimeType(dtype)
    return RawType(dtype) if dtype.kind == "c" and dtype.itemsize <= 16 else None


def _of_pandas(values: Any, what: str) -> ColumnType | None:
    dtype = values.dtype
    make = next((make for kind, make in _MAKERS.items() if type(dtype) is kind), None)
    if make is None:
        return _masked(dtype)
    kind = make(values, what)
    return kind if kind is not None and getattr(kind, "dtype", dtype) == dtype else None


def _masked(dtype: Any) -> ColumnType | None:
    return MaskedType(dtype) if type(dtype) is MASKED.get(getattr(dtype, "name", "")) else None


def _zoned(values: Any, _what: str) -> ColumnType | None:
    offset = values.dtype.tz.utcoffset(None)
    for zone in (str(values.dtype.tz), "" if offset is None else f"UTC{pd.Timestamp(0, tz=values.dtype.tz):%z}"):
        try:
            return ZonedType(values.dtype.unit, zone)
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _period(values: Any, _what: str) -> ColumnType:
    return PeriodType(str(values.dtype).removeprefix("period[").removesuffix("]"))


def _string(values: Any, _what: str) -> ColumnType:
    return StringType.of(values.dtype)


def _arrow(values: Any, _what: str) -> ColumnType:
    return ArrowType(values.dtype.pyarrow_dtype)


def _category(values: Any, what: str) -> ColumnType:
    categories = infer(values_of(values.dtype.categories), f"the categories of {what}")
    array = categories.array if categories.array is not None else flat(categories.type.to_arrow(categories.raw))
    return CategoryType(values.dtype.ordered, categories.type, array, values.codes.dtype)


def _interval(values: Any, what: str) -> ColumnType:
    return IntervalType(values.dtype, infer(values_of(values.left), f"the left ends of {what}").type)


def _sparse(values: Any, _what: str) -> ColumnType | None:
    return SparseType(values.dtype, values.kind) if is_primitive(values.dtype.subtype) else None


_MAKERS: Mapping[type, Callable[[Any, str], ColumnType | None]] = {
    pd.DatetimeTZDtype: _zoned,
    pd.PeriodDtype: _period,
    pd.StringDtype: _string,
    pd.ArrowDtype: _arrow,
    pd.CategoricalDtype: _category,
    pd.IntervalDtype: _interval,
    pd.SparseDtype: _sparse,
}

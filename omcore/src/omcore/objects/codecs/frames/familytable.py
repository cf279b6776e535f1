"""Which family a column belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from omcore.objects.codecs.frames.columntypes import TimeType
from omcore.objects.codecs.frames.composed import IntervalType
from omcore.objects.codecs.frames.extensions import PeriodType, ZonedType
from omcore.objects.codecs.frames.families import Booleans, Decimals, Family, Floats, Integers, Nothing, Opaque, Texts
from omcore.objects.codecs.frames.moments import Clocks, Days, Instants, Periods, Spans
from omcore.objects.codecs.frames.objects import ObjectType

if TYPE_CHECKING:
    from omcore.objects.codecs.frames.columntypes import ColumnType

_OPAQUE_CELLS = frozenset({"json", "decimal-text", "vector"})


def family_of(kind: ColumnType) -> Family:
    """The family of a type; of categories that of their codes."""
    if isinstance(kind, TimeType):
        return Instants(kind.unit) if kind.dtype.kind == "M" else Spans(kind.unit)
    if isinstance(kind, ZonedType):
        return Instants(kind.unit, kind.dtype.tz)
    if isinstance(kind, PeriodType):
        return Periods(kind.freq)
    if isinstance(kind, IntervalType) or (isinstance(kind, ObjectType) and kind.cells.name in _OPAQUE_CELLS):
        return Opaque(kind.title())
    return _of_arrow(kind.cell_type if isinstance(kind, ObjectType) else kind.physical(), kind.title())


def _of_arrow(kind: pa.DataType, title: str) -> Family:
    types = pa.types
    if types.is_dictionary(kind):
        return _of_arrow(kind.value_type, title)
    if types.is_null(kind):
        return Nothing()
    if types.is_boolean(kind):
        return Booleans()
    if types.is_integer(kind):
        return Integers(np.dtype(kind.to_pandas_dtype()))
    if types.is_floating(kind):
        return Floats(np.dtype(kind.to_pandas_dtype()))
    if types.is_string(kind) or types.is_large_string(kind):
        return Texts()
    if types.is_decimal128(kind):
        return Decimals(kind.scale)
    return _of_times(kind, title)


def _of_times(kind: pa.DataType, title: str) -> Family:
    types = pa.types
    if types.is_timestamp(kind):
        return Instants(kind.unit, kind.tz)
    if types.is_date32(kind):
        return Days()
    if types.is_time(kind):
        return Clocks(kind.unit)
    if types.is_duration(kind):
        return Spans(kind.unit)
    return Opaque(title)

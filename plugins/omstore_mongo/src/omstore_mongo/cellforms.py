"""How columns of Python objects are kept in documents, and which form each type of column has."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from omcore.objects.codecs.frames.columntypes import RawType, TimeType, flat
from omcore.objects.codecs.frames.composed import CategoryType, IntervalType
from omcore.objects.codecs.frames.extensions import ZonedType
from omcore.objects.codecs.frames.objects import SEVERAL, WAYS, ObjectType
from omstore_mongo.forms import (
    HIGHEST,
    CategoryForm,
    CountForm,
    DayForm,
    DecimalForm,
    Form,
    HalfForm,
    IntervalForm,
    MomentForm,
    PlainForm,
    UnkeptError,
    decimal_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.frames.columntypes import ColumnType

DEEPEST = 90
"""How deeply lists and documents may be nested; the server takes a hundred."""

_NONE, _NAN = WAYS.index("none"), WAYS.index("nan")


class JsonForm(Form):
    """Lists and dicts, mixed with scalars as you like."""

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        values = [None if text is None else json.loads(text) for text in column.to_pylist()]
        for value in values:
            _check(value, DEEPEST)
        return values

    def read(self, values: Sequence[Any]) -> pa.Array:
        texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        return pa.array(texts, pa.large_string())


class DecimalTextForm(Form):
    """Decimals of any number of places."""

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        from decimal import Decimal

        return [None if text is None else decimal_of(Decimal(text)) for text in column.to_pylist()]

    def read(self, values: Sequence[Any]) -> pa.Array:
        return pa.array([None if value is None else str(value.to_decimal()) for value in values], pa.large_string())


class SeveralForm(Form):
    """Cells that are missing in two ways: `None` is null, and NaN is NaN."""

    def __init__(self, cells: Form) -> None:
        self._cells = cells

    def write(self, column: pa.ChunkedArray) -> Sequence[Any]:
        cells, ways = column.flatten()
        codes = ways.to_pylist()
        if odd := {code for code in codes if code is not None} - {_NONE, _NAN}:
            names = ", ".join(WAYS[code] for code in sorted(odd))
            raise UnkeptError(f"some cells are missing as {names} and some in another way; say it in one way")
        values = self._cells.write(cells)
        return [math.nan if code == _NAN else value for value, code in zip(values, codes, strict=True)]

    def read(self, values: Sequence[Any]) -> pa.Array:
        ways = [_NONE if value is None else _NAN if value != value else None for value in values]
        cells = [None if way is not None else value for value, way in zip(values, ways, strict=True)]
        arrays = [flat(self._cells.read(cells)).combine_chunks(), pa.array(ways, pa.int8())]
        return pa.StructArray.from_arrays(arrays, ["cell", "missing"])

    def lowest(self, value: Any) -> Any:
        return self._cells.lowest(value)

    def highest(self, value: Any) -> Any:
        return self._cells.highest(value)

    def equals(self, values: Sequence[Any]) -> list[Any]:
        return self._cells.equals(values)


def form_of(kind: ColumnType) -> Form:
    """The form of a type of column.

    Raises:
        UnkeptError: there is none.
    """
    if isinstance(kind, ObjectType):
        return _form_of_objects(kind)
    if isinstance(kind, RawType):
        raise UnkeptError(f"BSON has no {kind.title()}; keep the real and the imaginary part in two columns")
    if isinstance(kind, ZonedType) or (isinstance(kind, TimeType) and kind.dtype.kind == "M"):
        return MomentForm(kind.unit, kind.physical())
    if isinstance(kind, CategoryType):
        return CategoryForm(form_of(kind.items), kind.dictionary, kind.physical())
    if isinstance(kind, IntervalType):
        return IntervalForm(form_of(kind.ends))
    return _form_of_arrow(kind.physical(), kind.title())


def _form_of_objects(kind: ObjectType) -> Form:
    named: dict[str, Form] = {"json": JsonForm(), "decimal-text": DecimalTextForm()}
    cells = named.get(kind.cells.name) or _form_of_arrow(kind.cell_type, kind.title())
    return SeveralForm(cells) if kind.missing == SEVERAL else cells


def _form_of_arrow(kind: pa.DataType, title: str) -> Form:
    types = pa.types
    if types.is_float16(kind):
        return HalfForm()
    if types.is_timestamp(kind):
        return MomentForm(kind.unit, kind)
    if types.is_date32(kind):
        return DayForm()
    if types.is_date64(kind) or types.is_time(kind) or types.is_duration(kind):
        return MomentForm("ms", kind) if types.is_date64(kind) else CountForm(kind)
    if types.is_decimal128(kind):
        return DecimalForm(kind)
    if _is_plain(kind) or _holds_plain(kind):
        return PlainForm(kind)
    raise UnkeptError(f"documents have nothing for {title}; convert it to another dtype")


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    text = types.is_string(kind) or types.is_large_string(kind)
    data = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    numbers = types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind)
    return bool(types.is_null(kind) or types.is_boolean(kind) or numbers or text or data)


def _holds_plain(kind: pa.DataType) -> bool:
    """Whether it is made of lists and documents of what is plain; a field's name must be one in a document, too."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_item(kind.value_type)
    if not pa.types.is_struct(kind):
        return False
    fields = [kind.field(number) for number in range(kind.num_fields)]
    names = {field.name for field in fields}
    return len(names) == len(fields) and all(is_name(field.name) and _is_item(field.type) for field in fields)


def _is_item(kind: pa.DataType) -> bool:
    return (_is_plain(kind) and not pa.types.is_uint64(kind)) or _holds_plain(kind)


def is_name(name: str) -> bool:
    """Whether other programs can ask for a field of this name."""
    return bool(name) and not name.startswith("$") and "." not in name and "\0" not in name


def _check(value: Any, depth: int) -> None:
    if not depth:
        raise UnkeptError(f"it holds lists or dicts that are nested more than {DEEPEST} deep; make them flatter")
    if isinstance(value, dict):
        for key, item in value.items():
            if not is_name(key):
                rule = "no key may be empty, start with $, or hold . or NUL"
                raise UnkeptError(f"it holds a dict with the key {key!r}; {rule}")
            _check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, int) and not -HIGHEST - 1 <= value <= HIGHEST:
        raise UnkeptError(f"it holds the integer {value}, beyond 64 bits; make it text")

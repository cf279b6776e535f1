"""Frames and series that stores are known to bend, each with a name; used by the tests of the frame codecs."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

_to_datetime: Any = pd.to_datetime
_array: Any = pd.array  # the stubs know few of its dtypes
_DAYS = pd.date_range("2024-01-01", periods=4, freq="D")
_LOOSE = pd.DatetimeIndex(_DAYS.to_numpy())
_HOLIDAYS = pd.offsets.CustomBusinessDay(holidays=["2024-01-02"])
_ZONED = _LOOSE.tz_localize("UTC")


def frames() -> dict[str, pd.DataFrame]:
    """Every frame by name."""
    found = {**_numbers(), **_times(), **_extensions(), **_objects(), **_indexes(), **_columns(), **_shapes()}
    attributed = pd.DataFrame({"a": [1, 2]})
    attributed.attrs = {"owner": "me", "nested": {"list": [1, 2.5, None]}}
    unique = pd.DataFrame({"a": [1, 2]}).set_flags(allows_duplicate_labels=False)
    return found | {"attrs": attributed, "no duplicate labels": unique}


def _frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def _object(*cells: Any) -> pd.DataFrame:
    values = np.empty(len(cells), object)
    for place, cell in enumerate(cells):
        values[place] = cell
    return pd.DataFrame({"x": pd.Series(values, dtype=object)})


def _numbers() -> dict[str, pd.DataFrame]:
    widths = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    return {
        "integers of every width": pd.DataFrame({w: np.array([0, 1, np.iinfo(w).max], w) for w in widths}),
        "floats of every width": pd.DataFrame({w: np.array([0.5, np.nan, -np.inf], w) for w in ("f2", "f4", "f8")}),
        "negative zero": _frame(x=[-0.0, 0.0]),
        "booleans": _frame(x=[True, False]),
        "mixed numbers": _frame(a=[1, 2], b=[0.5, np.nan], c=[True, False]),
        "complex": _frame(x=np.array([1 + 2j, complex("nan")]), y=np.array([1j, 2], "c8")),
        "foreign byte order": pd.DataFrame({"x": np.array([1, 2], ">i4"), "y": np.array([1.5, np.nan], ">f8")}),
        "sparse integers": _frame(x=pd.arrays.SparseArray([0, 0, 1, 0])),
        "sparse floats": _frame(x=pd.arrays.SparseArray([np.nan, 1.0, np.nan, np.nan])),
        "sparse with another filling": _frame(x=pd.arrays.SparseArray([7, 7, 1], fill_value=7, kind="block")),
        "C-order block": pd.DataFrame(np.arange(6000.0).reshape(1000, 6)),
        "Fortran-order block": pd.DataFrame(np.asfortranarray(np.arange(6000.0).reshape(1000, 6))),
    }


def _times() -> dict[str, pd.DataFrame]:
    moments = np.array(["2024-01-01T01:02:03", "NaT", "1969-12-31"], "M8[s]")
    units = ("s", "ms", "us", "ns")
    zoned = pd.date_range("2024-03-30", periods=3, freq="D", tz="Europe/Berlin")
    return {
        "datetimes of every unit": pd.DataFrame({u: moments.astype(f"M8[{u}]") for u in units}),
        "datetimes far away": _frame(x=np.array(["0001-01-01", "9999-12-31"], "M8[s]")),
        "timedeltas of every unit": pd.DataFrame({u: np.array([1, "NaT", -5], f"m8[{u}]") for u in units}),
        "time zones": _frame(a=zoned, b=zoned.tz_convert("UTC"), c=zoned.tz_convert("America/New_York")),
        "a time zone of every unit": pd.DataFrame(
            {u: pd.Series(zoned.astype(f"M8[{u}, Europe/Berlin]")) for u in units}
        ),
        "a fixed offset": _frame(x=_to_datetime(["2024-01-01T00:00:00+02:00", None])),
        "a folded hour": _frame(x=pd.date_range("2024-10-27", periods=5, freq="h", tz="Europe/Berlin")),
        "periods": _frame(
            m=pd.PeriodIndex(["2024-01", "NaT"], freq="M"),
            q=pd.PeriodIndex(["2024Q1", "2024Q2"], freq="Q-NOV"),
        ),
    }


def _extensions() -> dict[str, pd.DataFrame]:
    arrow = {
        "i": _array([1, None], dtype=pd.ArrowDtype(pa.int32())),
        "s": _array(["a", None], dtype=pd.ArrowDtype(pa.string())),
        "l": _array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        "t": _array([None, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], dtype=pd.ArrowDtype(pa.timestamp("s", "UTC"))),
        "d": _array(["a", "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        "n": _array([decimal.Decimal("1.50"), None], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    }
    return {
        "nullable integers": pd.DataFrame({k: _array([1, None], dtype=k) for k in ("Int8", "Int64", "UInt32")}),
        "nullable floats": _frame(x=_array([0.5, None], dtype="Float32"), y=_array([1.5, None], dtype="Float64")),
        "nullable booleans": _frame(x=_array([True, None, False], dtype="boolean")),
        "strings of python": _frame(x=_array(["a", None, "ü"], dtype=pd.StringDtype("python"))),
        "strings of pyarrow": _frame(x=_array(["a", None, "ü"], dtype=pd.StringDtype("pyarrow"))),
        "default strings": _frame(x=["a", None, "", "日本"]),
        "categories": _frame(x=pd.Categorical(["a", "b", None, "a"], categories=["b", "a", "unused"])),
        "ordered categories": _frame(x=pd.Categorical(["low", "high"], ["low", "mid", "high"], ordered=True)),
        "categories of integers": _frame(x=pd.Categorical([3, 1, 3])),
        "categories of times": _frame(x=pd.Categorical(_LOOSE)),
        "categories of intervals": _frame(x=pd.cut([1, 5, 9], 3)),
        "many categories": _frame(x=pd.Categorical([f"c{i}" for i in range(300)])),
        "intervals": _frame(x=pd.arrays.IntervalArray.from_breaks([0, 1, 2], closed="left")),
        "intervals with gaps": _frame(x=pd.arrays.IntervalArray.from_arrays([0.5, np.nan], [1, np.nan])),
        "intervals of times": _frame(x=pd.arrays.IntervalArray.from_breaks(_DAYS.tz_localize("UTC"))),
        "arrow types": pd.DataFrame(arrow),
    }


def _objects() -> dict[str, pd.DataFrame]:
    day, clock = dt.date(2024, 2, 29), dt.time(1, 2, 3, 4)
    return {
        "text": _object("a", "", "日本"),
        "text and None": _object("a", None),
        "text and NaN": _object("a", float("nan")),
        "text and NA and NaT and None and NaN": _object("a", pd.NA, pd.NaT, None, float("nan"), "b"),
        "only None": _object(None, None),
        "only NaN": _object(float("nan")),
        "bools and None": _object(True, None, False),
        "integers and None": _object(1, None, -(2**62)),
        "huge integers": _object(2**70, None, -1),
        "floats as objects": _object(0.5, float("nan"), None),
        "bytes": _object(b"a", b"\x00\xff", None),
        "decimals": _object(decimal.Decimal("1.50"), decimal.Decimal("-2.25"), None),
        "decimals of many places": _object(decimal.Decimal("1.5"), decimal.Decimal("-0.0"), decimal.Decimal("NaN")),
        "dates": _object(day, None),
        "times of day": _object(clock, None),
        "python datetimes": _object(dt.datetime.fromisoformat("2024-01-01T02:03:04.000005"), None),
        "python timedeltas": _object(dt.timedelta(1, 2, 3), None),
        "uuids": _object(uuid.UUID(int=5), None),
        "lists": _object([1, 2], [], None, [None, "a", [0.5]]),
        "dicts": _object({"a": [1, {"b": None}]}, {}),
        "mixed but JSON": _object(1, "a", 0.5, True, None, [1]),
        "vectors": _object(np.arange(3.0), np.empty(0), None),
        "tuples": _object((1, 2)),
        "sets": _object({1}),
        "numpy scalars": _object(np.float32(1)),
        "timestamps as objects": _object(pd.Timestamp("2024-01-01")),
        "aware datetimes as objects": _object(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        "lone surrogates": _object("\ud800"),
        "half pairs": _object(["\ud83d\ude00"]),
        "mixed and not JSON": _object(1, b"a"),
    }


def _indexes() -> dict[str, pd.DataFrame]:
    multi = pd.MultiIndex.from_product([["b", "a"], [1, 2]], names=["letter", None])
    holes = pd.MultiIndex.from_arrays([[1, np.nan, 2, 1], _DAYS.to_numpy()])
    indexes: dict[str, pd.Index[Any]] = {
        "a range": pd.RangeIndex(5, 13, 2, name="n"),
        "a falling range": pd.RangeIndex(4, 0, -1),
        "integers": pd.Index([3, 1, 2, 2], name="n"),
        "text": pd.Index(list("abcd"), name="t"),
        "objects": pd.Index([1, "a", None, 2.5], dtype=object),
        "days with a frequency": _DAYS,
        "business days with a zone": pd.date_range("2024-01-01", periods=4, freq="B", tz="Europe/Berlin", name="when"),
        "month ends": pd.date_range("2024-01-31", periods=4, freq="ME"),
        "no frequency": pd.DatetimeIndex(["2024-01-01", None, "2024-01-01", "2020-01-01"]),
        "timedeltas": pd.timedelta_range("1h", periods=4, freq="2h"),
        "periods": pd.period_range("2024-01", periods=4, freq="M"),
        "categories": pd.CategoricalIndex(list("abca"), name="c"),
        "intervals": pd.interval_range(0, 4),
        "levels": multi,
        "levels with holes": holes,
        "levels of categories": pd.MultiIndex.from_arrays([pd.Categorical(list("abab")), [1, 1, 2, 2]]),
        "levels with a zone": pd.MultiIndex.from_arrays([_ZONED, list("abcd")], names=["d", ("t", 1)]),
        "custom days": pd.date_range("2024-01-01", periods=4, freq=_HOLIDAYS),
    }
    return {f"index of {name}": pd.DataFrame({"x": range(4)}, index=index) for name, index in indexes.items()}


def _columns() -> dict[str, pd.DataFrame]:
    axes: dict[str, Any] = {
        "integers": [1, 0],
        "floats": [0.5, float("nan")],
        "objects": pd.Index(["a", 1], dtype=object),
        "None": pd.Index(["a", None], dtype=object),
        "twice the same": ["a", "a"],
        "text as objects": pd.Index(["a", "b"], dtype=object, name="names"),
        "named range": pd.RangeIndex(2, name="n"),
        "levels": pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"]),
        "times": _DAYS[:2],
        "periods": pd.period_range("2024", periods=2, freq="Y"),
        "categories": pd.CategoricalIndex(["u", "v"], ["v", "u"], ordered=True),
        "intervals": pd.interval_range(0, 2),
        "booleans": pd.Index([True, False]),
        "odd text": ["", 'a.b\n$ü, "x"'],
        "tuples": pd.Index([("a", 1), "b"], tupleize_cols=False),
    }
    return {f"columns of {name}": pd.DataFrame([[1, "x"], [2, None]], columns=axis) for name, axis in axes.items()}


def _shapes() -> dict[str, pd.DataFrame]:
    return {
        "nothing": pd.DataFrame(),
        "no rows": pd.DataFrame({"a": pd.Series([], dtype="int8"), "b": pd.Series([], dtype=object)}),
        "no rows, index of times": pd.DataFrame({"a": pd.Series([], dtype="f8")}, index=_DAYS[:0]),
        "no columns": pd.DataFrame(index=pd.RangeIndex(3)),
        "no columns, index of text": pd.DataFrame(index=["a", "b"]),
        "no rows, several levels": pd.DataFrame(
            {"a": pd.Series([], dtype="i4")}, index=pd.MultiIndex.from_arrays([[], []], names=["k", "l"])
        ),
    }

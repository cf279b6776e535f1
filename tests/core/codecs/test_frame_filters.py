"""Filters and projections give the rows and columns that a plain look at every row gives."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omcore.errors import ColumnNotFoundError, InvalidFilterError
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.table import TableCodec
from omcore.objects.filters import All, Condition, Either, Filter, where
from tests.core.codecs.support import ALL, NOBODY, Folder, Kept, same_frame, tiny_parts

if TYPE_CHECKING:
    from pathlib import Path

CODEC = DataFrameCodec()
ORDER = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "notin", "between", "isnull")
TEXT = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact")

TEXTS = st.text("abAB_%.*1ü", max_size=4)
NUMBERS = st.integers(-5, 5)
HALVES = st.integers(-10, 10).map(lambda number: number / 2)
MOMENTS = st.integers(0, 12).map(lambda hours: dt.datetime(2024, 1, 1) + dt.timedelta(hours=hours))  # noqa: DTZ001


def _or_none(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.one_of(st.none(), cells), min_size=12, max_size=12)


COLUMNS: dict[str, tuple[st.SearchStrategy[Any], Any, bool]] = {
    "int64": (NUMBERS, "int64", False),
    "int8": (NUMBERS, "int8", False),
    "uint64": (st.integers(0, 9), "uint64", False),
    "float64": (HALVES, "float64", True),
    "float32": (HALVES, "float32", True),
    "float16": (HALVES, "float16", True),
    "Int64": (NUMBERS, "Int64", True),
    "Float64": (HALVES, "Float64", True),
    "bool": (st.booleans(), "bool", False),
    "boolean": (st.booleans(), "boolean", True),
    "str": (TEXTS, "str", True),
    "string": (TEXTS, "string", True),
    "object text": (TEXTS, object, True),
    "object int": (NUMBERS, object, True),
    "object float": (HALVES, object, True),
    "categories of text": (TEXTS, "category", True),
    "categories of numbers": (NUMBERS, "category", True),
    "datetime64[ns]": (MOMENTS, "datetime64[ns]", True),
    "datetime64[s]": (MOMENTS, "datetime64[s]", True),
    "arrow int": (NUMBERS, pd.ArrowDtype(pa.int32()), True),
    "arrow text": (TEXTS, pd.ArrowDtype(pa.string()), True),
    "arrow categories": (TEXTS, pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())), True),
    "sparse": (NUMBERS, pd.SparseDtype("int64", 0), False),
}


def _column(kind: str, cells: list[Any]) -> pd.Series[Any]:
    strategy, dtype, nullable = COLUMNS[kind]
    given_cells = cells if nullable else [cell for cell in cells if cell is not None]
    del strategy
    make: Any = pd.Series
    plain: pd.Series[Any] = make(given_cells, dtype=None if kind.startswith(("date", "cat")) else object)
    made: Any = pd.Series(pd.array(given_cells, dtype=dtype)) if kind.startswith("arrow") else plain.astype(dtype)
    return made  # type: ignore[no-any-return]


@st.composite
def _asked(draw: st.DrawFn, kind: str, names: tuple[str, ...] = ("x",)) -> Condition:
    values = COLUMNS[kind][0]
    booleans = kind.startswith("bool")
    text = values is TEXTS
    operators = ("eq", "ne", "in", "notin", "isnull") if booleans else ORDER + TEXT if text else ORDER
    operator = draw(st.sampled_from(operators))
    if kind.startswith(("int", "uint", "Int", "arrow int", "object int")):
        values = st.one_of(NUMBERS, HALVES, st.sampled_from([2**62, -(2**62), 1e300, -0.5, 300]))
    value: Any = {
        "isnull": draw(st.booleans()),
        "between": (draw(values), draw(values)),
        "in": tuple(draw(st.lists(values, max_size=4))),
        "notin": tuple(draw(st.lists(values, max_size=4))),
    }.get(operator)
    return Condition(
        draw(st.sampled_from(names)), operator, draw(values) if value is None else value, draw(st.booleans())
    )


def _holds(cell: Any, operator: str, value: Any) -> bool:
    """What an operator means, for one cell that is not null."""
    meanings: dict[str, Any] = {
        "eq": lambda: cell == value,
        "ne": lambda: cell != value,
        "gt": lambda: cell > value,
        "gte": lambda: cell >= value,
        "lt": lambda: cell < value,
        "lte": lambda: cell <= value,
        "in": lambda: cell in value,
        "notin": lambda: cell not in value,
        "between": lambda: value[0] <= cell <= value[1],
        "contains": lambda: value in cell,
        "icontains": lambda: value.lower() in cell.lower(),
        "startswith": lambda: cell.startswith(value),
        "istartswith": lambda: cell.lower().startswith(value.lower()),
        "endswith": lambda: cell.endswith(value),
        "iendswith": lambda: cell.lower().endswith(value.lower()),
        "iexact": lambda: cell.lower() == value.lower(),
    }
    return bool(meanings[operator]())


def fulfils(frame: pd.DataFrame, row: int, asked: Filter) -> bool:
    """The reference: whether one row fulfils a filter."""
    if isinstance(asked, All):
        return all(fulfils(frame, row, each) for each in asked.filters)
    if isinstance(asked, Either):
        return any(fulfils(frame, row, each) for each in asked.filters)
    cell = frame[asked.column].iloc[row]
    if asked.operator == "isnull":
        return bool(pd.isna(cell)) is (asked.value is not asked.negated)
    if pd.isna(cell):
        return False
    return _holds(cell, asked.operator, asked.value) is not asked.negated


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_condition_gives_the_rows_that_fulfil_it(kind: str) -> None:
    @settings(max_examples=60)
    @given(_or_none(COLUMNS[kind][0]), _asked(kind))
    def check(cells: list[Any], asked: Condition) -> None:
        frame = pd.DataFrame({"x": _column(kind, cells)})
        kept = Kept.of(frame, CODEC)
        expected = [row for row in range(len(frame)) if fulfils(frame, row, asked)]
        got = kept.get(Query(filter=asked))
        assert list(got.index) == expected
        pd.testing.assert_frame_equal(got, frame.iloc[expected], check_index_type=False)

    with tiny_parts():
        check()


FILTERS = st.recursive(
    st.one_of(_asked("int64", ("a",)), _asked("float64", ("b",)), _asked("object text", ("c",))),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: All(tuple(some))),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: Either(tuple(some))),
    ),
    max_leaves=5,
)


@given(
    _or_none(NUMBERS), _or_none(HALVES), _or_none(TEXTS), FILTERS, st.permutations(["a", "b", "c"]), st.integers(1, 3)
)
def test_joined_filters_and_projections_give_what_a_look_at_every_row_gives(
    a: list[Any], b: list[Any], c: list[Any], asked: Filter, names: list[str], width: int
) -> None:
    whole = [cell or 0 for cell in a]
    frame = pd.DataFrame({"a": whole, "b": pd.Series(b, dtype=float), "c": pd.Series(c, dtype=object)})
    frame.index = pd.Index([f"r{row}" for row in range(len(frame))], name="row")
    expected = frame.iloc[[row for row in range(len(frame)) if fulfils(frame, row, asked)]]
    with tiny_parts():
        kept = Kept.of(frame, CODEC)
        same_frame(kept.get(Query(tuple(names[:width]), asked)), expected[names[:width]])
        batches = kept.batches(Query(tuple(names[:width]), asked))
    assert sum(map(len, batches)) == len(expected)
    if batches:
        same_frame(pd.concat(batches), expected[names[:width]])


FRAME = pd.DataFrame(
    {
        "n": range(30),
        "f": np.linspace(0, 1, 30),
        "t": [f"text {row}" for row in range(30)],
        "when": pd.date_range("2024-03-30", periods=30, freq="h", tz="Europe/Berlin"),
        "day": [dt.date(2024, 1, 1) + dt.timedelta(days=row) for row in range(30)],
        "span": pd.to_timedelta(range(30), unit="h"),
        "month": pd.period_range("2024-01", periods=30, freq="M"),
        "size": pd.Categorical(["s", "m", "l"] * 10, ["s", "m", "l"], ordered=True),
        "list": [[row] for row in range(30)],
    }
)


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (where(when="2024-03-30T05:00:00"), [5]),
        (where(when__gte=dt.datetime(2024, 3, 31, 3, 30, tzinfo=dt.UTC)), list(range(29, 30))),
        (where(when__lt=dt.date(2024, 3, 31)), list(range(24))),
        (where(when__gt="2024-03-30T05:00:00.000001"), list(range(6, 30))),
        (where(day__gt=dt.date(2024, 1, 28)), [28, 29]),
        (where(day__in=["2024-01-02", "2030-01-01"]), [1]),
        (where(day__gt="2024-01-28T12:00"), [28, 29]),
        (where(span__between=["2h", "3h"]), [2, 3]),
        (where(month="2024-03"), [2]),
        (where(month__gte="2026-05"), [28, 29]),
        (where(size__gt="m"), list(range(2, 30, 3))),
        (where(size__lte="m", n__lt=6), [0, 1, 3, 4]),
        (where(list__isnull=True), []),
        (where(n__gt=2**62), []),
        (where(n__lt=2**62, n__gte=28.5), [29]),
        (where(t__endswith="9"), [9, 19, 29]),
        (~where(n__gt=1, f__gte=0), [0, 1]),
    ],
    ids=str,
)
def test_values_of_every_family_are_compared(asked: Filter, rows: list[int]) -> None:
    with tiny_parts():
        assert list(Kept.of(FRAME, CODEC).get(Query(filter=asked)).index) == rows
    assert list(Kept.of(FRAME, CODEC).get(Query(filter=asked)).index) == rows


@pytest.mark.parametrize(
    "asked",
    [
        *(where(n="1"), where(n=True), where(t=1), where(t__gt=1), where(f__contains="1"), where(when=5)),
        *(where(when="yesterday"), where(day="2024-13-01"), where(span=5), where(month=5), where(size__gt="xl")),
        *(
            where(list="a"),
            where(n__startswith="1"),
            where(when__contains="2024"),
            where(when="2024-01-01T00:00:00.0000001"),
        ),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_its_column_is_refused_with_the_name_of_the_column(asked: Filter) -> None:
    assert isinstance(asked, Condition)
    with pytest.raises(InvalidFilterError, match=asked.column):
        Kept.of(FRAME, CODEC).get(Query(filter=asked))


def test_an_unknown_column_is_refused_with_the_near_match() -> None:
    kept = Kept.of(FRAME, CODEC)
    with pytest.raises(ColumnNotFoundError, match="did you mean 'month'"):
        kept.get(Query(("n", "moth")))
    with pytest.raises(ColumnNotFoundError, match="did you mean 'month'"):
        kept.get(Query(filter=where(moth=1)))


def test_a_name_that_several_columns_have_gives_all_of_them_but_filters_none() -> None:
    frame = pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["a", "b", "a"])
    kept = Kept.of(frame, CODEC)
    same_frame(kept.get(Query(("a",))), frame[["a"]])
    with pytest.raises(InvalidFilterError, match="ambiguous"):
        kept.get(Query(filter=where(a=1)))


def test_columns_that_are_no_text_are_asked_for_by_their_text() -> None:
    frame = pd.DataFrame([[1, 2, 3], [4, 5, 6]])
    same_frame(Kept.of(frame, CODEC).get(Query(("2", "0"))), frame[[2, 0]])
    levels = pd.DataFrame([[1, 2, 3]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y"), ("a", "z")]))
    same_frame(Kept.of(levels, CODEC).get(Query(("a",))), levels[["a"]])


def test_levels_of_the_index_are_asked_for_by_name() -> None:
    index = pd.MultiIndex.from_product([["x", "y"], [1, 2, 3]], names=["letter", "number"])
    frame = pd.DataFrame({"v": range(6)}, index=index)
    with tiny_parts():
        kept = Kept.of(frame, CODEC)
        same_frame(kept.get(Query(filter=where(letter="y", number__gte=2))), frame.iloc[4:])
        got = kept.get(Query(("number", "v")))
    assert list(got.columns) == ["number", "v"]
    assert list(got["number"]) == [1, 2, 3, 1, 2, 3]
    assert got.index.equals(index)


def test_a_named_range_is_filtered_though_it_is_not_stored() -> None:
    frame = pd.DataFrame({"v": list("abcdefghij")}, index=pd.RangeIndex(10, 30, 2, name="id"))
    with tiny_parts():
        kept = Kept.of(frame, CODEC)
        same_frame(kept.get(Query(filter=where(id__in=[12, 13, 28]))), frame.loc[[12, 28]])
    bare = pd.DataFrame(index=pd.RangeIndex(5, name="id"))
    assert list(Kept.of(bare, CODEC).get(Query(filter=where(id__gt=2))).index) == [3, 4]


def test_parts_that_cannot_have_the_rows_are_not_opened() -> None:
    with tiny_parts(part_rows=10):
        kept = Kept.of(FRAME, CODEC)
        kept.get(Query(("n",), where(n__between=[12, 14])))
    assert kept.opened.count("rows.parquet") == 1
    kept.opened.clear()
    with tiny_parts(part_rows=10):
        kept.get(Query(("n",), where(t__isnull=True) | where(n__lt=0)))
    assert kept.opened.count("rows.parquet") == 0


def test_only_the_columns_that_are_needed_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(1).random((20_000, 20))).rename(columns=str)
    kept = Kept.of(frame, CODEC)
    source = Folder(tmp_path, mapped=False).keep(kept)
    CODEC.decode(kept.content, source, Query(("3",)), NOBODY)
    assert source.read < kept.content.size / 10
    source.read = 0
    CODEC.decode(kept.content, source, ALL, NOBODY)
    assert source.read > kept.content.size * 0.9


def test_tables_are_filtered_as_frames_are() -> None:
    table = pa.table({"n": [1, 2, None, 4], "t": ["a", None, "c", "d"]}, metadata={"made": "here"})
    with tiny_parts(part_rows=2):
        kept = Kept.of(table, TableCodec())
        got = kept.get(Query(("t", "n"), where(n__gte=2)))
    assert got.to_pydict() == {"t": [None, "d"], "n": [2, 4]}
    assert got.schema.metadata == {b"made": b"here"}

"""Appending shares the parts there are, keeps every type, and refuses what would change one."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.series import SeriesCodec
from omcore.objects.codecs.frames.table import TableCodec
from omcore.objects.filters import where
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.support import Kept, same_frame, tiny_parts
from tests.core.codecs.test_frames_come_back import KEPT

CODEC = DataFrameCodec()
FRAMES = frames()


def together(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """What appending should give: each column, and the index, put together without a guess."""
    index: Any = first.index.append(second.index)
    if isinstance(first.index, pd.RangeIndex):
        start, step = first.index.start, first.index.step
        index = pd.RangeIndex(start, start + step * len(index), step, name=first.index.name)
    columns = {
        place: pd.concat([first.iloc[:, place], second.iloc[:, place]]).set_axis(index)
        for place in range(first.shape[1])
    }
    joined = pd.DataFrame(columns, index=index)
    joined.columns = first.columns
    joined.attrs = first.attrs
    return joined.set_flags(allows_duplicate_labels=first.flags.allows_duplicate_labels)


def followed(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows once more, with an index that may follow."""
    return frame.reset_index(drop=True) if isinstance(frame.index, pd.RangeIndex) else frame


@pytest.mark.parametrize("tiny", [True, False])
@pytest.mark.parametrize("name", sorted(set(KEPT) - {"no duplicate labels", "foreign byte order"}))
def test_a_frame_that_is_appended_to_itself_is_there_twice(name: str, tiny: bool) -> None:
    frame = FRAMES[name]
    before = Kept.of(frame, CODEC)
    with tiny_parts(3, 2) if tiny else tiny_parts(10**6, 10**5):
        after = Kept.of(frame, CODEC).append(followed(frame))
    same_frame(after.get(), together(frame, frame))
    assert after.content.rows == 2 * len(frame)
    same_frame(before.get(), frame)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
@settings(max_examples=30)
def test_rows_come_back_in_the_order_they_were_appended(sizes: list[int]) -> None:
    whole = pd.DataFrame({"n": range(sum(sizes)), "t": [f"t{row % 3}" for row in range(sum(sizes))]})
    starts = np.cumsum([0, *sizes])
    with tiny_parts(4, 2):
        kept = Kept.of(whole.iloc[: starts[1]], CODEC)
        for start, size in zip(starts[1:], sizes[1:], strict=False):
            kept = kept.append(whole.iloc[start : start + size].reset_index(drop=True))
        same_frame(kept.get(), whole)
        same_frame(kept.get(Query(filter=where(n__gte=3))), whole[whole["n"] >= 3])
        same_frame(pd.concat(kept.batches()), whole)


def test_the_parts_that_are_there_are_shared() -> None:
    frame = pd.DataFrame({"n": range(5), "c": pd.Categorical(list("ababa"))})
    kept = Kept.of(frame, CODEC)
    more = kept.append(frame.iloc[:2])
    assert [part for part in more.content.parts if part in kept.content.parts] == list(kept.content.parts)
    assert len(more.content.parts) == len(kept.content.parts) + 1


def test_many_small_parts_are_put_together() -> None:
    frame = pd.DataFrame({"n": [1], "t": pd.Series(["x"], dtype=object)})
    kept = Kept.of(frame, CODEC)
    for _ in range(200):
        kept = kept.append(frame)
        assert len(kept.content.parts) <= 65
    same_frame(kept.get(), pd.concat([frame] * 201, ignore_index=True))


def test_columns_may_come_in_another_order() -> None:
    frame = pd.DataFrame({"a": [1], "b": ["x"]})
    same_frame(Kept.of(frame, CODEC).append(frame[["b", "a"]]).get(), pd.concat([frame, frame], ignore_index=True))


def test_categories_without_an_order_may_be_fewer_or_turned_around() -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["u", "v"], ["u", "v"])})
    more = pd.DataFrame({"c": pd.Categorical(["v"], ["v"])})
    got = Kept.of(frame, CODEC).append(more).append(pd.DataFrame({"c": pd.Categorical(["u", "v"], ["v", "u"])})).get()
    same_frame(got, pd.DataFrame({"c": pd.Categorical(["u", "v", "v", "u", "v"], ["u", "v"])}))


@pytest.mark.parametrize(
    "later",
    [["b", None], ["b", float("nan")], [pd.NA, None], [None, None], [1, "x"], [[1], {"a": 2}], ["plain", "text"], []],
    ids=str,
)
@pytest.mark.parametrize(
    "first", [["a", "b"], ["a", None], [None], [float("nan"), "a"], [pd.NA, None, "a"], []], ids=str
)
def test_objects_may_begin_to_be_missing_or_to_be_of_other_kinds(first: list[Any], later: list[Any]) -> None:
    def frame(cells: list[Any]) -> pd.DataFrame:
        values = np.fromiter(cells, object, len(cells))
        return pd.DataFrame({"n": range(len(cells)), "o": pd.Series(values, dtype=object)})

    expected = frame([*first, *later])
    expected["n"] = [*range(len(first)), *range(len(later))]
    same_frame(Kept.of(frame(first), CODEC).append(frame(later)).get(), expected.astype({"n": "int64"}))


def test_decimals_may_get_more_places() -> None:
    first, later = (pd.DataFrame({"d": [decimal.Decimal(text)]}, dtype=object) for text in ("1.5", "2.25"))
    same_frame(Kept.of(first, CODEC).append(later).get(), pd.concat([first, later], ignore_index=True))


BASE = pd.DataFrame(
    {
        "i": [1, 2],
        "s": ["a", "b"],
        "c": pd.Categorical(["u", "v"]),
        "o": pd.Categorical(["s", "m"], ["s", "m"], ordered=True),
        "t": pd.to_datetime(["2024-01-01", "2024-01-02"]).tz_localize("UTC"),
    }
)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (BASE.assign(i=[0.5, 1.5]), "int64 but that of the rows to append is float64"),
        (BASE.assign(i=["x", "y"]), "column 'i'"),
        (BASE.assign(s=[1, 2]), "column 's'"),
        (BASE.assign(c=pd.Categorical(["w", "u"])), "column 'c'"),
        (BASE.assign(c=["u", "v"]), "column 'c'"),
        (BASE.assign(o=pd.Categorical(["s", "m"], ["m", "s"], ordered=True)), "column 'o'"),
        (BASE.assign(t=BASE["t"].dt.tz_convert("Europe/Berlin")), "column 't'"),
        (BASE.drop(columns="i"), "missing are 'i'"),
        (BASE.assign(extra=1), "not known are 'extra'"),
        (BASE.set_index("i", drop=False), "reset_index"),
        (BASE.set_axis([7, 8]), "reset_index"),
        (BASE.set_axis(pd.RangeIndex(7, 9)), "reset_index"),
        (BASE.rename_axis("name"), "called"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_change_a_type_is_refused_by_name(more: pd.DataFrame, named: str) -> None:
    kept = Kept.of(BASE, CODEC)
    parts = len(kept.sink.blobs)
    with pytest.raises(UnsupportedTypeError, match=named):
        kept.append(more)
    assert len(kept.sink.blobs) == parts


def test_an_index_of_another_type_or_name_is_refused() -> None:
    kept = Kept.of(pd.DataFrame({"x": [1]}, index=pd.Index(["a"], name="k")), CODEC)
    with pytest.raises(UnsupportedTypeError, match=r"the index is .* but that of the rows to append is int64"):
        kept.append(pd.DataFrame({"x": [1]}, index=pd.Index([1], name="k")))
    with pytest.raises(UnsupportedTypeError, match=r"called \['k'\] but that of the rows to append \['other'\]"):
        kept.append(pd.DataFrame({"x": [1]}, index=pd.Index(["b"], name="other")))


def test_no_rows_change_nothing() -> None:
    kept = Kept.of(BASE, CODEC)
    assert kept.append(BASE.iloc[:0]).content == kept.content


def test_values_are_appended_to_a_series() -> None:
    series = pd.Series([1, 2], name=("a", 1))
    got = Kept.of(series, SeriesCodec()).append(pd.Series([3], name=("a", 1))).append(pd.Series([4])).get()
    pd.testing.assert_series_equal(got, pd.Series([1, 2, 3, 4], name=("a", 1)))
    with pytest.raises(UnsupportedTypeError, match="called"):
        Kept.of(series, SeriesCodec()).append(pd.Series([3], name="b"))
    with pytest.raises(UnsupportedTypeError, match="float64"):
        Kept.of(series, SeriesCodec()).append(pd.Series([0.5]))


def test_rows_are_appended_to_a_table_of_the_same_schema() -> None:
    table = pa.table({"n": [1, 2], "t": ["a", None]})
    kept = Kept.of(table, TableCodec()).append(table)
    assert kept.get() == pa.concat_tables([table, table])
    for other, named in ((table.rename_columns(["n", "u"]), "'u'"), (table.select(["t", "n"]), "another order")):
        with pytest.raises(UnsupportedTypeError, match=named):
            kept.append(other)
    with pytest.raises(UnsupportedTypeError, match="column 'n' is int64, not double"):
        kept.append(pa.table({"n": [0.5], "t": ["a"]}))


def test_batches_together_are_the_whole_and_none_is_larger_than_a_group() -> None:
    frame = pd.DataFrame({"n": range(50), "t": list("ab") * 25}, index=pd.date_range("2024", periods=50, freq="h"))
    with tiny_parts(20, 6):
        batches = Kept.of(frame, CODEC).batches()
    assert max(map(len, batches)) <= 6
    pd.testing.assert_frame_equal(pd.concat(batches), frame, check_freq=False)

"""Frames that were written one by one become one that is as if it had been written at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.series import SeriesCodec
from omcore.objects.codecs.frames.table import TableCodec
from omcore.objects.codecs.memory import MemorySink
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.support import Kept, same_cells, same_frame, tiny_parts
from tests.core.codecs.test_frames_come_back import KEPT
from tests.core.partitioned.frames_in_pieces import cuts, indexes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.base import Codec

FRAMES = frames()
CODEC = DataFrameCodec()
CELLS_OF_SEVERAL_KINDS = {"huge integers", "index of objects", "mixed but JSON", "decimals of many places"}
"""Frames whose single rows hold cells of other kinds than the whole."""


def together(values: Sequence[Any], codec: Codec = CODEC) -> Kept:
    """Write each value, and put what was written together; the note begins with that."""
    sink = MemorySink()
    contents = [codec.encode(value, sink) for value in values]
    kept = Kept(codec, contents[0], sink)
    kept.content = kept.codec.compose(contents, sink, kept.source)
    return kept


@pytest.mark.parametrize("name", KEPT)
def test_the_rows_of_a_difficult_frame_become_that_frame_or_are_refused_by_name(name: str) -> None:
    frame = FRAMES[name].iloc[:20]
    rows = [frame.iloc[number : number + 1] for number in range(len(frame))] or [frame]
    try:
        whole = together(rows).get()
    except UnsupportedTypeError as error:
        assert name in CELLS_OF_SEVERAL_KINDS
        assert re.match(r"(column 'x'|the index) is object\[.*\] in the first rows but", str(error))  # noqa: PT017
        return
    same_frame(whole, frame)


@given(indexes(), st.data(), st.booleans())
def test_any_index_is_as_in_the_whole(index: pd.Index[Any], data: st.DataObject, small: bool) -> None:
    frame = pd.DataFrame({"x": np.arange(len(index)) * 0.5, "t": "a"}, index=index)
    spans = data.draw(cuts(len(frame)))
    with tiny_parts(10**6, 10**6) if small else tiny_parts(3, 2):
        kept = together([frame.iloc[span] for span in spans])
        same_frame(kept.get(), frame)
    assert kept.content.rows == len(frame)


@given(st.integers(0, 30), st.data())
def test_labels_of_rows_that_a_filter_kept_are_as_in_the_whole(rows: int, data: st.DataObject) -> None:
    whole = pd.DataFrame({"x": np.arange(rows) * 0.5, "n": np.arange(rows)})
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), bool)
    spans = data.draw(cuts(rows))
    pieces = [whole.iloc[span][kept[span]] for span in spans]
    pieces = [piece.set_axis(whole.index.take(piece.index.to_numpy())) for piece in pieces]
    found = together(pieces).get()
    pd.testing.assert_frame_equal(found, whole[kept], check_index_type="equiv")


CELLS = st.one_of(st.text(max_size=3), st.sampled_from([None, np.nan, pd.NA, pd.NaT]))


@given(st.lists(CELLS, max_size=12), st.data())
@settings(max_examples=200)
def test_objects_say_missing_in_the_way_they_did(cells: list[Any], data: st.DataObject) -> None:
    frame = pd.DataFrame({"x": pd.Series(np.fromiter(cells, object, len(cells)), dtype=object), "n": range(len(cells))})
    with tiny_parts(2, 2):
        same_frame(together([frame.iloc[span] for span in data.draw(cuts(len(frame)))]).get(), frame)


def test_the_parts_are_shared_and_no_rows_are_read() -> None:
    frame = pd.DataFrame({"x": np.arange(9.0), "c": pd.Categorical(list("abcabcabc"))})
    with tiny_parts(2, 2):
        kept = together([frame.iloc[:4], frame.iloc[4:8], frame.iloc[8:]])
    assert not [name for name in kept.opened if name.startswith("rows.")]
    assert len({part.digest for part in kept.content.parts if part.name.startswith("rows.")}) == 5
    same_frame(kept.get(), frame)


def test_frames_that_each_begin_at_0_become_one_range() -> None:
    pieces = [pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [3]}), pd.DataFrame({"x": [4, 5]})]
    same_frame(together(pieces).get(), pd.DataFrame({"x": [1, 2, 3, 4, 5]}))


def test_what_was_put_together_can_be_put_together_and_appended_to() -> None:
    frame = pd.DataFrame({"x": np.arange(9.0), "t": list("abcdefghi")})
    sink = MemorySink()
    contents = [CODEC.encode(frame.iloc[at : at + 1], sink) for at in range(8)]
    kept = Kept(CODEC, contents[0], sink)
    halves = [CODEC.compose(each, sink, kept.source) for each in (contents[:3], contents[3:])]
    kept.content = CODEC.compose(halves, sink, kept.source)
    same_frame(kept.append(frame.iloc[8:]).get(), frame)


def test_frames_without_rows_count_for_nothing() -> None:
    none = pd.DataFrame({"other": []})
    frame = pd.DataFrame({"x": [1, 2]})
    same_frame(together([none, frame, none]).get(), frame)
    same_frame(together([none, pd.DataFrame({"x": []})]).get(), none)


def a_frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


MISFITS = {
    "another column": (a_frame(x=[1]), a_frame(y=[1]), "missing are 'x', not known are 'y'"),
    "another order": (a_frame(x=[1], y=[1]), a_frame(y=[1], x=[1]), "another order"),
    "another dtype": (a_frame(x=[1, 2]), a_frame(x=[0.5]), "column 'x' is int64 in .* but float64 in rows 2 to 2"),
    "other objects": (
        a_frame(x=pd.Series(["a"], dtype=object)),
        a_frame(x=pd.Series([1], dtype=object)),
        r"object\[text\] in .* but object\[int\]",
    ),
    "other categories": (
        a_frame(x=pd.Categorical(["a"])),
        a_frame(x=pd.Categorical(["b"])),
        "column 'x' is category.* but another category",
    ),
    "another index": (a_frame(x=[1]), a_frame(x=[1]).set_axis(["a"]), "the index is int64"),
    "more levels": (
        a_frame(x=[1]).rename_axis("a"),
        a_frame(x=[1]).set_axis(pd.MultiIndex.from_arrays([[1], [2]], names=["a", "b"])),
        r"\['a', 'b'\] from row 1 on",
    ),
    "another name of the index": (a_frame(x=[1]), a_frame(x=[1]).rename_axis("day"), "called .*None.* but .*day"),
    "other attrs": (a_frame(x=[1]), a_frame(x=[1]).set_flags(allows_duplicate_labels=False), "attrs or flags"),
}


@pytest.mark.parametrize("case", list(MISFITS))
def test_frames_that_do_not_fit_are_refused_with_what_differs(case: str) -> None:
    first, other, told = MISFITS[case]
    with pytest.raises(UnsupportedTypeError, match=told):
        together([first, other])


@given(indexes(), st.data(), st.one_of(st.none(), st.text(max_size=3), st.integers()))
def test_series_are_put_together_as_frames_are(index: pd.Index[Any], data: st.DataObject, name: Any) -> None:
    series = pd.Series(np.arange(len(index)) * 0.5, index=index, name=name)
    spans = data.draw(cuts(len(series)))
    found = together([series.iloc[span] for span in spans], SeriesCodec()).get()
    pd.testing.assert_series_equal(found, series, check_freq=True, check_index_type=True)
    same_cells(found, series)


def test_series_of_two_names_are_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match="'x' and 'y'"):
        together([pd.Series([1], name="x"), pd.Series([1], name="y")], SeriesCodec())


def test_tables_are_put_together_where_their_schemas_are_one() -> None:
    table = pa.table({"x": list(range(9)), "t": list("abcdefghi")}).replace_schema_metadata({"who": "me"})
    assert together([table.slice(0, 4), table.slice(4)], TableCodec()).get().equals(table, check_metadata=True)
    with pytest.raises(UnsupportedTypeError, match="column 'x' is int64, not double"):
        together([table, table.set_column(0, "x", pa.array([0.5] * 9))], TableCodec())
    with pytest.raises(UnsupportedTypeError, match="their metadata"):
        together([table, table.replace_schema_metadata(None)], TableCodec())

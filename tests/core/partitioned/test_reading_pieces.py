"""A stored dataset is read piece by piece: the same rows as at once, and nothing else is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import VetoError
from omcore.objects.codecs.arrays import ArrayCodec
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.series import SeriesCodec
from omcore.objects.codecs.frames.table import TableCodec
from omcore.objects.codecs.values import JsonCodec
from omcore.objects.events import Putting
from omcore.objects.filters import where
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.support import ALL, NOBODY, Kept, same_frame, tiny_parts
from tests.core.codecs.test_frames_come_back import KEPT
from tests.core.objects.conftest import memory, shop  # noqa: F401 - fixtures
from tests.core.partitioned.frames_in_pieces import indexes

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.objects.codecs.base import Codec
    from tests.core.objects.conftest import Shop

FRAMES = frames()
CODEC = DataFrameCodec()


def pieces(kept: Kept, first: int, last: int, query: Query = ALL) -> Any:
    return kept.codec.decode_parts(kept.content, kept.source, query, NOBODY, slice(first, last))


def used(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose levels have no labels that no row has."""
    index: Any = frame.index
    return frame.set_axis(index.remove_unused_levels()) if isinstance(index, pd.MultiIndex) else frame


@pytest.mark.parametrize("name", KEPT)
def test_each_row_of_a_difficult_frame_is_a_piece_that_is_as_in_the_whole(name: str) -> None:
    frame = FRAMES[name].iloc[:20]
    with tiny_parts(1, 1):
        kept = Kept.of(frame, CODEC)
    rows = CODEC.part_rows(kept.content)
    assert sum(rows) == len(frame)
    start = 0
    for number, count in enumerate(rows):
        same_frame(pieces(kept, number, number + 1), frame.iloc[start : start + count])
        start += count


@given(indexes(), st.integers(1, 6), st.data())
def test_pieces_have_the_labels_of_the_whole_whatever_the_index_and_the_filter(
    index: pd.Index[Any], size: int, data: st.DataObject
) -> None:
    numbers = np.arange(len(index))
    frame = pd.DataFrame({"x": numbers * 0.5, "even": numbers % 2 == 0, "n": numbers}, index=index)
    with tiny_parts(size, 2):
        kept = Kept.of(frame, CODEC)
    last = len(CODEC.part_rows(kept.content))
    first = data.draw(st.integers(0, last - 1))
    last = data.draw(st.integers(first + 1, last))
    span = slice(first * size, last * size)
    same_frame(pieces(kept, first, last), used(frame.iloc[span]))
    same_frame(pieces(kept, first, last, Query(("n", "x"))), used(frame[["n", "x"]].iloc[span]))
    asked = Query(("n",), where(even=True, n__gte=3))
    expected = frame[["n"]].iloc[span][(frame.even & (frame.n >= 3)).to_numpy()[span]]
    pd.testing.assert_frame_equal(pieces(kept, first, last, asked), used(expected), check_freq=False)


def test_only_the_pieces_that_are_asked_for_are_opened() -> None:
    with tiny_parts(2, 2):
        kept = Kept.of(pd.DataFrame({"x": range(10)}), CODEC)
    assert list(CODEC.part_rows(kept.content)) == [2] * 5
    assert not kept.opened
    pieces(kept, 1, 3)
    assert len(kept.opened) == 2


def test_small_pieces_of_one_dtype_keep_their_place_in_the_range() -> None:
    kept = Kept.of(pd.DataFrame({"x": [1.0, 2.0]}), CODEC).append(pd.DataFrame({"x": [3.0]}))
    kept = kept.append(pd.DataFrame({"x": [4.0, 5.0]}))
    same_frame(pieces(kept, 2, 3), pd.DataFrame({"x": [4.0, 5.0]}, index=pd.RangeIndex(3, 5)))
    same_frame(pieces(kept, 1, 3), pd.DataFrame({"x": [3.0, 4.0, 5.0]}, index=pd.RangeIndex(2, 5)))


def test_a_frame_without_columns_is_one_piece() -> None:
    kept = Kept.of(pd.DataFrame(index=pd.RangeIndex(4)), CODEC)
    assert list(CODEC.part_rows(kept.content)) == [4]
    same_frame(pieces(kept, 0, 1), pd.DataFrame(index=pd.RangeIndex(4)))


def a_series() -> tuple[Any, Codec]:
    return pd.Series(np.arange(9.0), name="x"), SeriesCodec()


def a_table() -> tuple[Any, Codec]:
    return pa.table({"x": list(range(9)), "t": list("abcdefghi")}), TableCodec()


@pytest.mark.parametrize("case", [a_series, a_table])
def test_other_kinds_with_rows_are_read_in_pieces_too(case: Callable[[], tuple[Any, Codec]]) -> None:
    value, codec = case()
    with tiny_parts(2, 2):
        kept = Kept.of(value, codec)
    assert list(kept.codec.part_rows(kept.content)) == [2, 2, 2, 2, 1]
    expected = value.iloc[4:9] if isinstance(value, pd.Series) else value.slice(4)
    assert pieces(kept, 2, 5).equals(expected)
    filtered = pieces(kept, 2, 5, Query(None, where(x__lt=6)))
    assert len(filtered) == 2


def test_an_array_is_one_piece() -> None:
    kept = Kept.of(np.arange(6.0).reshape(3, 2), ArrayCodec())
    assert list(kept.codec.part_rows(kept.content)) == [3]
    np.testing.assert_array_equal(pieces(kept, 0, 1), np.arange(6.0).reshape(3, 2))


def test_a_store_gives_the_pieces_of_a_pinned_version(shop: Shop) -> None:  # noqa: F811 - a fixture
    store = shop()
    with tiny_parts(3, 3):
        store.put(pd.DataFrame({"x": range(8), "y": range(8)}), "sales")
    pin = store.pin("sales[x]").pin
    store.put("something else", "sales")
    parted = store.parted(pin)
    assert parted.rows == (3, 3, 2)
    assert sum(parted.sizes) <= parted.content.size
    same_frame(parted.read(1, 3), pd.DataFrame({"x": range(3, 8)}, index=pd.RangeIndex(3, 8)))
    x = pd.DataFrame({"x": range(8)})
    same_frame(store.parted(pin, Query(None, where(y__lt=2))).read(0, 3), x[x.x < 2])


def test_a_plugin_is_asked_about_what_workers_wrote_in_pieces_before_it_is_stored(shop: Shop) -> None:  # noqa: F811
    store = shop()
    store.put(pd.DataFrame({"x": range(8)}), "sales")
    parted = store.parted(store.pin("sales").pin)
    draft = store.stage_content(parted.content, "copy", shown=store.parted_content(parted.content))
    asked = shop.events.told[-1]
    assert isinstance(asked, Putting)
    assert (asked.name, asked.kind, asked.value.rows) == ("copy", "pandas.dataframe", (8,))
    assert draft.content is parted.content
    shop.events.veto = VetoError("not today")
    with pytest.raises(VetoError, match="not today"):
        store.stage_content(parted.content, "copy", shown=store.parted_content(parted.content))


def test_what_has_no_pieces_is_read_whole(shop: Shop) -> None:  # noqa: F811 - a fixture
    store = shop()
    store.put({"a": 1}, "settings")
    parted = store.parted(store.pin("settings").pin)
    assert parted.rows == (0,)
    assert parted.read(0, 1) == {"a": 1}
    assert JsonCodec.kind == parted.content.kind

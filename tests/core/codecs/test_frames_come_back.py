"""A frame comes back exactly as it went in, or it is refused by the name of what cannot be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.series import SeriesCodec
from omcore.objects.codecs.wire import decode_inline, encode_inline
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.support import ALL, NOBODY, Folder, Kept, same_cells, same_frame, tiny_parts

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = frames()

REFUSED = {
    "tuples": "column 'x'",
    "sets": "column 'x'",
    "numpy scalars": "column 'x'",
    "timestamps as objects": "column 'x'",
    "aware datetimes as objects": "column 'x'",
    "lone surrogates": "column 'x'",
    "half pairs": "column 'x'",
    "mixed and not JSON": "column 'x'",
    "index of custom days": "the index",
    "columns of tuples": "the columns axis",
}

KEPT = sorted(set(FRAMES) - set(REFUSED))
CODEC = DataFrameCodec()


def test_the_list_is_long_enough_to_mean_something() -> None:
    assert len(FRAMES) >= 60
    assert set(REFUSED) <= set(FRAMES)


@pytest.mark.parametrize("name", KEPT)
def test_it_comes_back_as_it_went_in(name: str) -> None:
    same_frame(FRAMES[name], Kept.of(FRAMES[name], CODEC).get())


@pytest.mark.parametrize("name", KEPT)
def test_it_comes_back_from_many_parts_as_it_went_in(name: str) -> None:
    with tiny_parts(part_rows=3, group_rows=2):
        same_frame(FRAMES[name], Kept.of(FRAMES[name], CODEC).get())


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("name", KEPT)
def test_it_comes_back_from_files_as_it_went_in(tmp_path: Path, name: str, mapped: bool) -> None:
    with tiny_parts():
        kept = Kept.of(FRAMES[name], CODEC)
    source = Folder(tmp_path, mapped).keep(kept)
    same_frame(FRAMES[name], CODEC.decode(kept.content, source, ALL, NOBODY))


@pytest.mark.parametrize("name", KEPT)
def test_it_travels_in_a_task_as_it_is(name: str) -> None:
    same_frame(FRAMES[name], decode_inline(*encode_inline(FRAMES[name], CODEC), CODEC))


@pytest.mark.parametrize("name", KEPT)
def test_each_of_its_columns_comes_back_as_a_series(name: str) -> None:
    for place in range(min(3, FRAMES[name].shape[1])):
        series: pd.Series[Any] = FRAMES[name].iloc[:, place]
        if isinstance(series.name, pd.Timestamp | pd.Period | pd.Interval):
            with pytest.raises(UnsupportedTypeError, match="the series has the name"):
                Kept.of(series, SeriesCodec())
            continue
        back = Kept.of(series, SeriesCodec()).get()
        same_frame(series.to_frame("x"), back.to_frame("x"))
        same_cells(series, back)
        assert type(back.name) is type(series.name)
        assert repr(back.name) == repr(series.name)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=REFUSED[name]):
        Kept.of(FRAMES[name], CODEC)


def test_every_column_that_comes_back_can_be_written_to() -> None:
    for name in KEPT:
        frame = Kept.of(FRAMES[name], CODEC).get()
        for place, dtype in enumerate(frame.dtypes):
            if len(frame) and not isinstance(dtype, pd.SparseDtype) and dtype.kind != "O":
                frame.iat[0, place] = frame.iat[len(frame) - 1, place]

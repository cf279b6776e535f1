"""Indexes and cuts that Hypothesis makes up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

TEXTS = st.text(max_size=3)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)


@st.composite
def indexes(draw: st.DrawFn, least: int = 1) -> pd.Index[Any]:
    """An index of any form, with a name or without."""
    rows = draw(st.integers(least, 12))
    name = draw(st.one_of(st.none(), NAMES))
    form = draw(st.sampled_from(["range", "numbers", "text", "days", "zoned hours", "levels"]))
    if form == "range":
        start, step = draw(st.integers(-20, 20)), draw(st.sampled_from([1, 2, -3]))
        return pd.RangeIndex(start, start + rows * step, step, name=name)
    if form == "numbers":
        return pd.Index(draw(st.lists(st.integers(-9, 9), min_size=rows, max_size=rows)), dtype=np.int64, name=name)
    if form == "text":
        return pd.Index(draw(st.lists(TEXTS, min_size=rows, max_size=rows)), dtype=object, name=name)
    if form == "days":
        return pd.date_range("2024-02-27", periods=rows, freq=draw(st.sampled_from(["D", "W-SUN", "MS"])), name=name)
    if form == "zoned hours":
        return pd.date_range("2024-03-30 20:00", periods=rows, freq="h", tz="Europe/Berlin", name=name)
    firsts = draw(st.lists(st.sampled_from(["a", "b", None]), min_size=rows, max_size=rows))
    seconds = np.arange(rows)
    return pd.MultiIndex.from_arrays([pd.Index(firsts, dtype=object), seconds], names=["first", name])


@st.composite
def cuts(draw: st.DrawFn, rows: int) -> list[slice]:
    """Stretches that follow each other and cover all rows; some may be empty."""
    inner = sorted(draw(st.lists(st.integers(0, rows), max_size=4)))
    return [slice(start, stop) for start, stop in zip([0, *inner], [*inner, rows], strict=True)]

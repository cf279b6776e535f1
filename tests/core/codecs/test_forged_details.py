"""Details that somebody forged give an error of ours, or some value: never another error, and never a crash."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import v4
from scipy import sparse

from omcore.errors import OmError
from omcore.objects.codecs.arrays import ArrayCodec, ScalarCodec
from omcore.objects.codecs.base import Codec, Query
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.series import SeriesCodec
from omcore.objects.codecs.frames.table import TableCodec
from omcore.objects.codecs.notebooks import NotebookCodec
from omcore.objects.codecs.sparse import SparseCodec
from omcore.objects.codecs.values import JsonCodec
from omcore.objects.filters import where
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.support import NOBODY, Kept
from tests.core.codecs.test_frames_come_back import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAMES = frames()
WORDS = [
    *(
        "numpy",
        "object",
        "category",
        "interval",
        "sparse",
        "time",
        "raw",
        "period",
        "string",
        "masked",
        "arrow",
        "zoned",
    ),
    *(
        "|O",
        "<f8",
        "M8[ns]",
        "V8",
        "<g",
        "text",
        "json",
        "vector",
        "decimal",
        "range",
        "flat",
        "multi",
        "several",
        "nan",
    ),
    *("UTC", "Europe/Berlin", "D", "C", "F", "csr_matrix", "coo_array", "dictionary-0", "Int64", "float64", "right"),
]
VALUES: list[Any] = [None, True, False, 0, 1, -1, 5, 2**70, -(2**63), 10**12, 3.5, "", "x", [], {}, [1], ["a", "b"]]
FORGED = st.one_of(st.sampled_from([*WORDS, *VALUES]), st.integers(), st.text(max_size=5))
new: Any = v4


def cases() -> list[tuple[Codec, Any]]:
    rows = {"a": [1, 2, None], "b": ["x", "y", "z"]}
    return [
        *((DataFrameCodec(), FRAMES[name]) for name in KEPT),
        (SeriesCodec(), pd.Series([1, 2, 3], name="x")),
        (SeriesCodec(), pd.Series(["a", None], dtype=object, name=("t", 1))),
        (TableCodec(), pa.table(rows)),
        (ArrayCodec(), np.arange(6.0).reshape(2, 3)),
        (ArrayCodec(), np.zeros(3, [("a", "f4"), ("b", "i8", (2,))])),
        (ArrayCodec(), np.array(["a", None], object)),
        (ScalarCodec(), np.float64(1)),
        (SparseCodec(), sparse.eye(3, format="csr")),
        (JsonCodec(), {"a": [1, 2]}),
        (NotebookCodec(), new.new_notebook(cells=[new.new_code_cell("1")])),
    ]


CASES = cases()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def forged(value: Any, path: tuple[Any, ...], new_value: Any) -> Any:
    """A JSON value with something else in one place."""
    whole = copy.deepcopy({"root": value})
    target: Any = whole
    for key in ("root", *path)[:-1]:
        target = target[key]
    target[("root", *path)[-1]] = new_value
    return whole["root"]


@settings(max_examples=1500)
@given(st.integers(0, len(CASES) - 1), st.data())
def test_forged_details_give_an_error_of_ours_or_some_value(number: int, data: st.DataObject) -> None:
    codec, value = CASES[number]
    kept = Kept.of(value, codec)
    details = dict(kept.content.details)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([path for path in places(details) if path] or [()]))
        if path:
            details = forged(details, path, data.draw(FORGED))
    rows = data.draw(st.sampled_from([kept.content.rows, kept.content.rows, None, -1, 10**6]))
    kept.content = replace(kept.content, details=details, rows=rows)
    query = data.draw(st.sampled_from([Query(), Query(), Query(("x",)), Query(filter=where(x__isnull=False))]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            codec.decode(kept.content, kept.source, query, NOBODY)
        except OmError:
            return


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_part_that_is_missing_twice_or_of_another_name_is_no_crash(number: int) -> None:
    codec, value = CASES[number]
    kept = Kept.of(value, codec)
    parts = kept.content.parts
    others = [(), parts[:-1], (*parts, *parts), tuple(replace(part, name="x") for part in parts), parts[::-1]]
    counted = [tuple(replace(part, rows=rows) for part in parts) for rows in (None, 0, -1, 10**9)]
    for other in others + counted:
        kept.content = replace(kept.content, parts=other)
        try:
            kept.get()
        except OmError:
            continue

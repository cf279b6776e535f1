"""Whatever is in a frame comes back exactly, or is refused by name: frames that Hypothesis makes up."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra import pandas as hpd

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.wire import decode_inline, encode_inline
from tests.core.codecs.support import Kept, same_frame, tiny_parts

if TYPE_CHECKING:
    import decimal

CODEC = DataFrameCodec()

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.unsigned_integer_dtypes(endianness="="),
    hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="=", sizes=(64, 128)),
    st.sampled_from(["M8[ns]", "m8[ns]", "M8[s]", "m8[ms]", "M8[us]"]).map(np.dtype),
)

KINDS: list[st.SearchStrategy[Any]] = [
    st.none(),
    st.just(float("nan")),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(),
    st.uuids(),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
    # no NaN in here, because pandas 2 takes two dictionaries with one for different; the next test has it
    st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False), max_size=3),
    hnp.arrays(st.sampled_from(["f4", "i8"]), st.integers(0, 3)),
    st.tuples(st.integers()),
]

LABELS = st.one_of(
    st.text(max_size=5), st.integers(), st.floats(), st.none(), st.booleans(), st.tuples(st.text(max_size=2))
)


@st.composite
def _numbers(draw: st.DrawFn) -> pd.DataFrame:
    columns = draw(st.lists(DTYPES, min_size=1, max_size=5))
    rows = draw(st.integers(0, 9))
    arrays = {place: draw(hnp.arrays(dtype, rows)) for place, dtype in enumerate(columns)}
    return pd.DataFrame(arrays)


@st.composite
def _objects(draw: st.DrawFn) -> pd.DataFrame:
    kinds = draw(st.lists(st.sampled_from(range(len(KINDS))), min_size=1, max_size=3, unique=True))
    cells = draw(st.lists(st.one_of([KINDS[kind] for kind in kinds]), max_size=8))
    return pd.DataFrame({"x": pd.Series(np.fromiter(cells, object, len(cells)), dtype=object)})


def comes_back_or_is_refused(frame: pd.DataFrame, named: str) -> None:
    for few in (True, False):
        with tiny_parts(3, 2) if not few else tiny_parts(10**6, 10**6):
            try:
                kept = Kept.of(frame, CODEC)
            except UnsupportedTypeError as error:
                assert named in str(error)  # noqa: PT017 - it may be refused, but not without the name
                return
            same_frame(kept.get(), frame)
    same_frame(decode_inline(*encode_inline(frame, CODEC), CODEC), frame)


@given(_numbers())
def test_any_frame_of_numbers_and_times(frame: pd.DataFrame) -> None:
    comes_back_or_is_refused(frame, "no refusal is right here")


@given(_objects())
@settings(max_examples=300)
def test_any_column_of_objects(frame: pd.DataFrame) -> None:
    comes_back_or_is_refused(frame, "column 'x'")


def test_a_nan_in_a_dictionary_comes_back() -> None:
    frame = pd.DataFrame({"x": pd.Series([{"a": float("nan")}], dtype=object)})
    assert repr(Kept.of(frame, CODEC).get().x[0]) == "{'a': nan}"


@given(
    hpd.indexes(elements=st.integers(-(2**63), 2**63 - 1), dtype=np.int64), st.one_of(st.none(), st.text(max_size=3))
)
def test_any_index_of_integers(index: pd.Index[Any], name: str | None) -> None:
    comes_back_or_is_refused(
        pd.DataFrame({"x": range(len(index))}, index=index.rename(name)), "no refusal is right here"
    )


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=3)), st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1))))
)
def test_any_index_of_levels(labels: list[tuple[str | None, dt.date]]) -> None:
    arrays: list[Any] = [[label for label, _ in labels], pd.DatetimeIndex([day for _, day in labels])]
    index = pd.MultiIndex.from_arrays(arrays, names=["text", "day"])
    comes_back_or_is_refused(pd.DataFrame({"x": range(len(labels))}, index=index), "no refusal is right here")


@given(st.lists(LABELS, max_size=5), LABELS)
@settings(max_examples=300)
def test_any_names_of_columns(labels: list[Any], name: Any) -> None:
    axis = pd.Index(labels, dtype=object, name=name, tupleize_cols=False)
    comes_back_or_is_refused(pd.DataFrame([range(len(labels))] * 2, columns=axis), "the columns axis")


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=2), min_size=1))
def test_decimals_keep_their_places(cells: list[decimal.Decimal]) -> None:
    comes_back_or_is_refused(pd.DataFrame({"x": pd.Series(cells, dtype=object)}), "column 'x'")

"""Arrays, scalars, JSON values and bytes come back as they went in, and travel in a task."""

from __future__ import annotations

import collections
import enum
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from omcore.errors import (
    ColumnNotFoundError,
    CorruptBlobError,
    InvalidFilterError,
    UnsupportedTypeError,
    UntrustedError,
)
from omcore.objects.codecs.arrays import ArrayCodec, ScalarCodec
from omcore.objects.codecs.base import Codec, Query
from omcore.objects.codecs.estimators import EstimatorCodec
from omcore.objects.codecs.values import BytesCodec, JsonCodec
from omcore.objects.codecs.wire import decode_inline, encode_inline
from omcore.objects.filters import where
from tests.core.codecs.support import Kept

DTYPES = st.one_of(
    hnp.scalar_dtypes(),
    hnp.array_dtypes(),
    st.sampled_from(["M8[D]", "M8[ns]", "m8[s]", ">i4", "<f8", "S3", "U2", "f2", "c16"]).map(np.dtype),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
)


def same_array(left: Any, right: Any) -> None:
    assert type(right) is np.ndarray
    assert (left.dtype, left.shape) == (right.dtype, right.shape)
    assert left.tobytes() == right.tobytes()
    assert right.flags.writeable


@given(hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)), st.data())
def test_any_array_comes_back(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    views = [array, array.T, np.asfortranarray(array), array[::-1] if array.ndim else array, array[..., None]]
    view = data.draw(st.sampled_from(views))
    same_array(view, Kept.of(view, ArrayCodec()).get())
    same_array(view, decode_inline(*encode_inline(view, ArrayCodec()), ArrayCodec()))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_of_memory_is_kept(order: Any) -> None:
    array = np.arange(6.0).reshape(2, 3).copy(order=order)
    assert Kept.of(array, ArrayCodec()).get().flags[f"{order}_CONTIGUOUS"]


def test_an_array_that_is_mapped_from_a_file_is_kept_as_an_array(tmp_path: Any) -> None:
    mapped = np.memmap(tmp_path / "array", "f8", "w+", shape=(100, 10))
    mapped[:] = 1.5
    same_array(np.asarray(mapped), Kept.of(mapped, ArrayCodec()).get())


def test_a_large_array_that_is_not_contiguous_is_streamed_in_pieces() -> None:
    array = np.arange(4_000_000, dtype="i8").reshape(2000, 2000)[:, ::2]
    same_array(array, Kept.of(array, ArrayCodec()).get())


class Subclass(np.ndarray[Any, Any]):
    """An array that is more than an array."""


@pytest.mark.parametrize(
    "array",
    [np.array([None, {}]), np.zeros(2, [("a", "O")]), np.zeros(2).view(Subclass), np.ma.masked_array([1])],
    ids=lambda array: f"{type(array).__name__} of {array.dtype}",
)
def test_an_array_that_is_more_than_memory_is_refused(array: Any) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"convert it|store numpy\.asarray"):
        Kept.of(array, ArrayCodec())


def test_fields_of_a_structured_array_are_asked_for_by_name() -> None:
    array = np.zeros(3, [("a", "f4"), ("b", "i8"), ("c", "i1")])
    kept = Kept.of(array, ArrayCodec())
    assert kept.get(Query(("c", "a"))).dtype.names == ("c", "a")
    assert kept.content.schema["columns"] == {"a": "float32", "b": "int64", "c": "int8"}
    with pytest.raises(ColumnNotFoundError, match="'z'"):
        kept.get(Query(("z",)))


@given(hnp.arrays(hnp.scalar_dtypes(), ()))
def test_any_numpy_scalar_comes_back_with_its_type(array: np.ndarray[Any, Any]) -> None:
    scalar = array[()]
    got = Kept.of(scalar, ScalarCodec()).get()
    assert type(got) is type(scalar)
    assert got.tobytes() == scalar.tobytes()
    assert got.dtype == scalar.dtype


def test_a_text_that_numpy_would_shorten_is_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match="exactly"):
        Kept.of(np.str_("a\0"), ScalarCodec())


@given(JSON)
def test_any_json_value_comes_back_with_its_types(value: Any) -> None:
    try:
        got = Kept.of(value, JsonCodec()).get()
    except UnsupportedTypeError as error:
        assert "surrogates" in str(error)  # noqa: PT017 - half characters are refused, nothing else
        return
    assert repr(got) == repr(value)


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ((1, 2), "tuple"),
        ({1: "a"}, "a key is 1"),
        ({"a": [{"b": {1, 2}}]}, r"\['a'\]\[0\]\['b'\]"),
        (collections.OrderedDict(a=1), "OrderedDict"),
        ([Colour.RED], "Colour"),
        (Colour.RED, "Colour"),
        (["\ud800"], "surrogates"),
        ([10**5000], "4300"),
        (b"bytes", "bytes"),
        ({None: 1}, "a key is None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_json_would_change_is_refused_by_its_place(value: Any, place: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=place):
        Kept.of(value, JsonCodec())


def test_what_contains_itself_or_is_too_deep_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(UnsupportedTypeError, match="nested too deeply"):
            Kept.of(value, JsonCodec())


@given(st.binary())
def test_any_bytes_come_back(value: bytes) -> None:
    assert Kept.of(value, BytesCodec()).get() == value


@pytest.mark.parametrize(("codec", "value"), [(BytesCodec(), b"a"), (JsonCodec(), [1]), (ArrayCodec(), np.zeros(3))])
def test_what_has_no_rows_is_not_filtered_or_projected(codec: Codec, value: Any) -> None:
    with pytest.raises(InvalidFilterError, match="no rows"):
        Kept.of(value, codec).get(Query(filter=where(x=1)))
    with pytest.raises(ColumnNotFoundError, match="no columns"):
        Kept.of(value, codec).get(Query(("x",)))


@given(st.data())
def test_an_inline_value_that_was_cut_or_changed_is_never_another_value_silently(data: st.DataObject) -> None:
    kind, whole = encode_inline({"a": [1, 2, 3], "b": "text"}, JsonCodec())
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(CorruptBlobError):
        decode_inline(kind, cut, JsonCodec())
    with pytest.raises(CorruptBlobError):
        decode_inline(kind, whole + b"x", JsonCodec())


def test_only_plain_kinds_travel_in_a_task() -> None:
    with pytest.raises(UntrustedError, match="may not travel"):
        encode_inline(object(), EstimatorCodec())
    with pytest.raises(UntrustedError, match="may not travel"):
        decode_inline("sklearn.estimator", b"", EstimatorCodec())
    kind, data = encode_inline([1], JsonCodec())
    with pytest.raises(UntrustedError, match="own codec"):
        decode_inline(kind, data, BytesCodec())


def test_what_is_written_beside_the_parts_is_strict_json() -> None:
    for value in (np.zeros((2, 3)), np.zeros(2, [("a", "f4", (2,))]), np.array(["nat"], "M8[s]")):
        content = Kept.of(value, ArrayCodec()).content
        json.dumps([content.details, content.schema, [part.statistics for part in content.parts]], allow_nan=False)

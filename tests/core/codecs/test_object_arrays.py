"""Arrays of objects come back when every element is text, `None` or a Python number, and are refused by place else."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from omcore.errors import ColumnNotFoundError, CorruptBlobError, UnsupportedTypeError
from omcore.objects.codecs.arrays import ArrayCodec
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.wire import decode_inline, encode_inline
from tests.core.codecs.support import Kept

ELEMENTS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=["Cs"]))
)


def same_objects(left: Any, right: Any) -> None:
    assert type(right) is np.ndarray
    assert (left.dtype, left.shape) == (right.dtype, right.shape)
    assert [(type(it), repr(it)) for it in left.flat] == [(type(it), repr(it)) for it in right.flat]
    assert right.flags.writeable


def written(kept: Kept, data: bytes) -> None:
    """Put other bytes in place of the elements."""
    kept.sink.blobs[0] = data
    kept.content = replace(kept.content, parts=(replace(kept.content.parts[0], size=len(data)),))


@given(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4), st.data())
def test_any_array_of_text_and_python_numbers_comes_back(shape: tuple[int, ...], data: st.DataObject) -> None:
    size = int(np.prod(shape, dtype=int))
    array = np.empty(size, object)
    array[:] = data.draw(st.lists(ELEMENTS, min_size=size, max_size=size))
    array = array.reshape(shape)
    view = data.draw(st.sampled_from([array, array.T, np.asfortranarray(array), array[::-1] if shape else array]))
    same_objects(view, Kept.of(view, ArrayCodec()).get())
    same_objects(view, decode_inline(*encode_inline(view, ArrayCodec()), ArrayCodec()))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_of_memory_is_kept(order: Any) -> None:
    array = np.array([["a", 1, None], [2.5, True, "b"]], object, order=order)
    got = Kept.of(array, ArrayCodec()).get()
    same_objects(array, got)
    assert got.flags[f"{order}_CONTIGUOUS"]


@pytest.mark.parametrize(
    ("element", "name"),
    [
        (np.int64(1), "numpy.int64"),
        (np.float64(1), "numpy.float64"),
        (np.str_("a"), "numpy.str_"),
        (np.array([1]), "numpy.ndarray"),
        (Decimal(1), "decimal.Decimal"),
        (pd.NaT, "NaTType"),
        (b"a", "bytes"),
        ([], "list"),
        ({}, "dict"),
        (1j, "complex"),
        (len, "builtin_function_or_method"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_any_other_element_is_refused_with_its_type_and_place(element: Any, name: str) -> None:
    array = np.array([["a", "b"], ["c", "d"]], object)
    array[1, 0] = element
    with pytest.raises(UnsupportedTypeError, match=rf"at \[1, 0\] is a \S*{name}, .*convert it first"):
        Kept.of(array, ArrayCodec())


@pytest.mark.parametrize("element", ["\ud800", 10**5000], ids=["half a character", "a number too long"])
def test_what_json_has_no_form_for_is_refused(element: Any) -> None:
    with pytest.raises(UnsupportedTypeError, match="an array of dtype object cannot be kept"):
        Kept.of(np.array([element], object), ArrayCodec())


# numpy before 2.0 has no strings of its own
STRINGS = [np.dtypes.StringDType()] if hasattr(np.dtypes, "StringDType") else []


@pytest.mark.parametrize("dtype", [[("a", "O")], *STRINGS], ids=str)
def test_objects_in_fields_and_strings_of_numpy_stay_refused(dtype: Any) -> None:
    with pytest.raises(UnsupportedTypeError, match="convert it"):
        Kept.of(np.zeros(2, dtype), ArrayCodec())


def test_columns_of_an_array_of_objects_are_refused() -> None:
    with pytest.raises(ColumnNotFoundError):
        Kept.of(np.array(["a"], object), ArrayCodec()).get(Query(("a",)))


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b"{}", b"[1]", b"[1,2,3]", b"[1,[2]]", b"[1,{}]", b"\xff\xfe", b"[" * 100_000, b"\x80\x04N."],
    ids=lambda data: repr(data[:8]),
)
def test_damaged_elements_are_refused(data: bytes) -> None:
    kept = Kept.of(np.array([1, 2], object), ArrayCodec())
    written(kept, data)
    with pytest.raises(CorruptBlobError, match="ndarray"):
        kept.get()


@pytest.mark.parametrize(
    "shape", [[3], [-2], [2.0], [True, 2], ["2"], [0, 2**70], [2] + [1] * 64, None, [-1, -2]], ids=repr
)
@pytest.mark.parametrize("elements", [["a", "b"], []], ids=["two", "none"])
def test_a_shape_that_does_not_fit_is_refused(shape: Any, elements: list[Any]) -> None:
    kept = Kept.of(np.array(elements, object), ArrayCodec())
    kept.content = replace(kept.content, details={**kept.content.details, "shape": shape})
    with pytest.raises(CorruptBlobError):
        kept.get()


@given(
    st.recursive(ELEMENTS, lambda it: st.lists(it) | st.dictionaries(st.text(), it)),
    st.text("|OVTUSifb12<>", max_size=3),
)
def test_no_content_makes_other_objects(value: Any, dtype: str) -> None:
    kept = Kept.of(np.array(["a", "b"], object), ArrayCodec())
    written(kept, json.dumps(value).encode())
    kept.content = replace(kept.content, details={**kept.content.details, "dtype": dtype})
    try:
        got = kept.get()
    except CorruptBlobError:
        return
    assert {type(it) for it in got.ravel().tolist()} <= {str, type(None), bool, int, float, bytes}

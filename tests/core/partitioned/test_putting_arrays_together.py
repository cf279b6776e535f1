"""Arrays and sparse matrices that were written one by one become one that is as if it had been written at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from omcore.errors import CorruptBlobError, OmError, UnsupportedTypeError
from omcore.objects.codecs.arrays import ArrayCodec
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.codecs.memory import MemorySink
from omcore.objects.codecs.sparse import SparseCodec
from omcore.objects.parted import compose
from omcore.objects.registry import CodecRegistry
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage
from tests.core.codecs.support import NOBODY, Kept
from tests.core.partitioned.frames_in_pieces import cuts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omcore.objects.codecs.base import Codec

DTYPES = st.one_of(
    hnp.scalar_dtypes(), hnp.array_dtypes(hnp.integer_dtypes(), max_size=2, allow_subarrays=False), st.just("O")
)
LAYOUTS = ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array", "csc_array", "coo_array"]


def together(values: Sequence[Any], codec: Codec) -> Kept:
    """Write each value, and put what was written together."""
    sink = MemorySink()
    contents = [codec.encode(value, sink) for value in values]
    kept = Kept(codec, contents[0], sink)
    kept.content = kept.codec.compose(contents, sink, kept.source)
    return kept


def same_array(left: Any, right: Any) -> None:
    assert (left.dtype, left.shape) == (right.dtype, right.shape)
    assert left.tolist() == right.tolist() or left.tobytes("C") == right.tobytes("C")


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
    cells = st.one_of(st.none(), st.text(max_size=3), st.integers(-9, 9)) if dtype == "O" else None
    array = draw(hnp.arrays(dtype, shape, elements=cells))
    return np.asfortranarray(array) if draw(st.booleans()) else array


@given(arrays(), st.data())
def test_any_array_in_pieces_comes_back_whole(array: Any, data: st.DataObject) -> None:
    spans = data.draw(cuts(len(array)))
    kept = together([array[span] for span in spans], ArrayCodec())
    assert not kept.opened
    assert kept.content.rows == len(array)
    same_array(kept.get(), array)


@given(arrays(), st.data())
def test_some_of_the_pieces_are_read_alone(array: Any, data: st.DataObject) -> None:
    spans = data.draw(cuts(len(array)))
    kept = together([array[span] for span in spans], ArrayCodec())
    rows = list(kept.codec.part_rows(kept.content))
    first = data.draw(st.integers(0, len(rows) - 1))
    last = data.draw(st.integers(first + 1, len(rows)))
    found = kept.codec.decode_parts(kept.content, kept.source, Query(), NOBODY, slice(first, last))
    assert len(kept.opened) == last - first
    same_array(found, array[sum(rows[:first]) : sum(rows[:last])])


def test_the_order_of_memory_is_that_of_the_pieces() -> None:
    array = np.asfortranarray(np.arange(12.0).reshape(6, 2))
    found = together([np.asfortranarray(array[:3]), np.asfortranarray(array[3:])], ArrayCodec()).get()
    assert found.flags.f_contiguous
    same_array(found, array)


def test_text_is_as_wide_as_the_widest_piece() -> None:
    found = together([np.array(["a", "b"]), np.array(["long"]), np.array(["ab"])], ArrayCodec()).get()
    same_array(found, np.array(["a", "b", "long", "ab"]))


def test_a_projection_takes_fields_of_every_piece() -> None:
    array = np.array([(1, 2.5), (3, 4.5), (5, 6.5)], dtype=[("x", "i8"), ("y", "f8")])
    same_array(together([array[:1], array[1:]], ArrayCodec()).get(Query(("y",)))["y"], array["y"])


MISFITS: dict[str, tuple[list[Any], str]] = {
    "another dtype": ([np.array([1, 2]), np.array([0.5])], "before row 2 have int64 but .* dtype float64"),
    "another width": ([np.ones((2, 3)), np.ones((1, 4))], r"have \(2, 3\) but those after it have the shape \(1, 4\)"),
    "no axes": ([np.array(1.0), np.array(2.0)], "an array without axes"),
    "objects and numbers": ([np.array(["a"], object), np.array([1])], "have object but .* dtype int64"),
}


@pytest.mark.parametrize("case", list(MISFITS))
def test_arrays_that_do_not_fit_are_refused(case: str) -> None:
    values, told = MISFITS[case]
    with pytest.raises(UnsupportedTypeError, match=told):
        together(values, ArrayCodec())


# --- sparse matrices


@st.composite
def matrices(draw: st.DrawFn) -> Any:
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 5)))
    dense = draw(
        hnp.arrays(draw(st.sampled_from(["f8", "i4", "?", "c16"])), shape, elements=st.sampled_from([0, 0, 1]))
    )
    return getattr(scipy.sparse, draw(st.sampled_from(LAYOUTS)))(dense)


def slices_of(matrix: Any, spans: Sequence[slice]) -> list[Any]:
    rows = matrix.tocsr()
    return [type(matrix)(rows[span]) for span in spans]


def same_matrix(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    assert (left.dtype, left.shape, left.nnz) == (right.dtype, right.shape, right.nnz)
    np.testing.assert_array_equal(left.toarray(), right.toarray())


@given(matrices(), st.data())
def test_any_sparse_matrix_in_pieces_comes_back_whole(matrix: Any, data: st.DataObject) -> None:
    spans = data.draw(cuts(matrix.shape[0]))
    kept = together(slices_of(matrix, spans), SparseCodec())
    assert not kept.opened
    found = kept.get()
    same_matrix(found, matrix)
    if matrix.format != "coo":
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(found, name), getattr(matrix, name))


@given(matrices(), st.data())
def test_some_of_the_matrices_are_read_alone(matrix: Any, data: st.DataObject) -> None:
    kept = together(slices_of(matrix, data.draw(cuts(matrix.shape[0]))), SparseCodec())
    rows = list(kept.codec.part_rows(kept.content))
    first = data.draw(st.integers(0, len(rows) - 1))
    found = kept.codec.decode_parts(kept.content, kept.source, Query(), NOBODY, slice(first, first + 1))
    assert len(kept.opened) <= 3
    span = slice(sum(rows[:first]), sum(rows[: first + 1]))
    same_matrix(found, slices_of(matrix, [span])[0])


def test_wide_places_stay_wide() -> None:
    matrix = scipy.sparse.csr_array(np.eye(4))
    matrix.indices, matrix.indptr = matrix.indices.astype("i8"), matrix.indptr.astype("i8")
    found = together([matrix, scipy.sparse.csr_array(np.eye(4))], SparseCodec()).get()
    assert (found.indices.dtype, found.indptr.dtype) == (np.int64, np.int64)


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_matrices_that_do_not_fit_are_refused(make: Callable[..., Any]) -> None:
    for other in (make(np.eye(4)), make(np.eye(3, dtype="i4")), scipy.sparse.csr_array(np.eye(3))):
        with pytest.raises(UnsupportedTypeError, match="from row 3 on"):
            together([make(np.eye(3)), other], SparseCodec())


def test_sparse_vectors_have_no_rows() -> None:
    vector = scipy.sparse.csr_array(np.array([0.0, 1.0]))
    with pytest.raises(UnsupportedTypeError, match="vectors of the layout csr"):
        together([vector, vector], SparseCodec())


# --- whatever the details say


WORDS: list[Any] = [None, -1, 0, 1, 2, 3, 2**62, "C", "F", "<f8", "|O", "<U1", [], {}, [1], [2, 2], "x", True]


@given(st.sampled_from(["array", "matrix"]), st.data())
def test_forged_pieces_give_an_error_of_ours_or_some_value(case: str, data: st.DataObject) -> None:
    codec: Codec = ArrayCodec() if case == "array" else SparseCodec()
    value = np.arange(6.0).reshape(3, 2)
    values = [value, value] if case == "array" else [scipy.sparse.csr_array(value)] * 2
    kept = together(values, codec)
    pieces = [dict(each) for each in kept.content.details["pieces"]]
    number = data.draw(st.integers(0, 1))
    field = data.draw(st.sampled_from([*pieces[number], "all"]))
    forged = data.draw(st.sampled_from(WORDS))
    pieces[number][field] = forged
    told = forged if field == "all" else pieces
    kept.content = replace(kept.content, details={**kept.content.details, "pieces": told})
    try:
        kept.get()
    except OmError:
        return


def test_pieces_that_make_another_array_than_the_details_say_are_corrupt() -> None:
    kept = together([np.ones(2), np.ones(3)], ArrayCodec())
    kept.content = replace(kept.content, details={**kept.content.details, "shape": [4]})
    with pytest.raises(CorruptBlobError, match="its pieces make another array"):
        kept.get()


# --- of any kind


def test_pieces_of_other_kinds_or_without_rows_are_refused_by_name() -> None:
    codecs = CodecRegistry(BUILTIN)
    sink = MemorySink()
    values: list[Any] = [np.ones(2), {"a": 1}]
    contents = [codecs.for_value(value, "datasets").encode(value, sink) for value in values]
    storage = MemoryStorage(MemoryOptions(), Place("test", None))  # type: ignore[arg-type]
    with storage:
        with pytest.raises(UnsupportedTypeError, match=r"kinds numpy.ndarray and json.value"):
            compose(contents, codecs, storage)
        with pytest.raises(UnsupportedTypeError, match=r"'json.value' cannot be put together"):
            compose(contents[1:], codecs, storage)

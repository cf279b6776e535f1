"""Sparse matrices and arrays come back as they went in, and no content that is read leads outside of its vectors."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from omcore.errors import ColumnNotFoundError, CorruptBlobError, InvalidFilterError, UnsupportedTypeError
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.codecs.sparse import SparseCodec
from omcore.objects.codecs.wire import decode_inline, encode_inline
from omcore.objects.filters import where
from omcore.objects.registry import CodecRegistry
from tests.core.codecs.support import Kept

KINDS = [f"{layout}_{kind}" for layout in ("csr", "csc", "coo") for kind in ("matrix", "array")]
OTHERS = [f"{layout}_{kind}" for layout in ("bsr", "dia", "lil", "dok") for kind in ("matrix", "array")]
DTYPES = st.sampled_from(["?", "i1", "u1", "i2", "i4", "i8", "u8", "f4", "f8", "g", "F", "D"]).map(np.dtype)
DENSE = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5))


def vectors(matrix: Any) -> list[Any]:
    return [matrix.data, *(matrix.coords if matrix.format == "coo" else (matrix.indices, matrix.indptr))]


def same_matrix(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    assert (left.shape, left.dtype) == (right.shape, right.dtype)
    for mine, theirs in zip(vectors(left), vectors(right), strict=True):
        assert (mine.dtype, mine.tobytes()) == (theirs.dtype, theirs.tobytes())
        assert theirs.flags.writeable


def both_ways(matrix: Any) -> None:
    same_matrix(matrix, Kept.of(matrix, SparseCodec()).get())
    same_matrix(matrix, decode_inline(*encode_inline(matrix, SparseCodec()), SparseCodec()))


# scipy before 1.15 has no sparse arrays of more axes
MOST_AXES = 4 if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15) else 2


@given(DENSE, st.sampled_from(KINDS))
def test_any_matrix_comes_back(dense: Any, kind: str) -> None:
    both_ways(getattr(scipy.sparse, kind)(dense))


@given(hnp.arrays("f8", hnp.array_shapes(min_dims=1, max_dims=MOST_AXES, max_side=3)))
def test_an_array_of_any_number_of_axes_comes_back(dense: Any) -> None:
    both_ways(scipy.sparse.coo_array(dense))
    if dense.ndim == 1:
        both_ways(scipy.sparse.csr_array(dense))


@pytest.mark.parametrize("kind", KINDS)
def test_places_that_are_doubled_unsorted_or_wide_come_back_as_they_are(kind: str) -> None:
    coo = scipy.sparse.coo_matrix((np.arange(5.0)[::-1], ([1, 0, 1, 1, 0], [2, 2, 2, 0, 1])), shape=(3, 4))
    matrix = getattr(scipy.sparse, kind)(coo)
    if matrix.format == "coo":
        matrix.coords = tuple(it.astype("i8") for it in matrix.coords)
    else:
        matrix.indices, matrix.indptr = matrix.indices.astype("i8"), matrix.indptr.astype("i8")
    both_ways(matrix)


def test_data_that_is_not_contiguous_and_room_behind_it_are_no_part_of_a_matrix() -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    matrix.data, matrix.indices = np.arange(10.0)[::2], np.array([0, 1, 2, 99, 99], "i4")
    same_matrix(scipy.sparse.csr_matrix(np.diag([0.0, 2.0, 4.0]) + 0, copy=True), pruned(matrix))


def pruned(matrix: Any) -> Any:
    got = Kept.of(matrix, SparseCodec()).get()
    got.eliminate_zeros()
    return got


@pytest.mark.parametrize("kind", OTHERS)
def test_another_layout_is_refused_by_name_with_the_way_out(kind: str) -> None:
    matrix = getattr(scipy.sparse, kind)(np.eye(2))
    codec = CodecRegistry(BUILTIN).for_value(matrix, "datasets")
    assert codec.kind == "scipy.sparse"
    with pytest.raises(UnsupportedTypeError, match=rf"a {kind} cannot be kept exactly.*\.tocsr\(\)"):
        Kept.of(matrix, codec)


class Subclass(scipy.sparse.csr_matrix):  # type: ignore[misc]  # scipy tells no types
    """More than a matrix."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_that_is_kept_is_found_by_its_type(kind: str) -> None:
    assert CodecRegistry(BUILTIN).for_value(getattr(scipy.sparse, kind)((2, 2)), "datasets").kind == "scipy.sparse"


def test_a_subclass_is_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match="a Subclass cannot be kept exactly"):
        Kept.of(Subclass(np.eye(2)), SparseCodec())


def test_objects_are_refused() -> None:
    matrix = scipy.sparse.coo_array(np.eye(2))
    matrix.data = np.array(["a", None], object)
    with pytest.raises(UnsupportedTypeError, match="object"):
        Kept.of(matrix, SparseCodec())


def test_a_matrix_that_leads_outside_is_not_written() -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    matrix.indices[1] = 100
    with pytest.raises(UnsupportedTypeError, match="3 places but 0 to 100 are used"):
        Kept.of(matrix, SparseCodec())


def test_columns_and_filters_are_refused() -> None:
    kept = Kept.of(scipy.sparse.csr_matrix(np.eye(3)), SparseCodec())
    with pytest.raises(ColumnNotFoundError):
        kept.get(Query(("a",)))
    with pytest.raises(InvalidFilterError):
        kept.get(Query(filter=where(a=1)))


# --- content that somebody else wrote


def hostile(kind: str, shape: Any = None, **changed: Any) -> Kept:
    """A matrix of ones on the diagonal, with other vectors in place of its own, by their number."""
    kept = Kept.of(getattr(scipy.sparse, kind)(np.eye(3)), SparseCodec())
    parts, dtypes = list(kept.content.parts), list(kept.content.details["dtypes"])
    for key, value in changed.items():
        place, vector = int(key[1:]), np.asarray(value)
        kept.sink.blobs[place] = vector.tobytes()
        parts[place], dtypes[place] = replace(parts[place], size=vector.nbytes), vector.dtype.str
    details = {**kept.content.details, "dtypes": dtypes, "shape": shape if shape is not None else [3, 3]}
    kept.content = replace(kept.content, parts=tuple(parts), details=details)
    return kept


BIG, SMALL = np.iinfo("i8").max, np.iinfo("i8").min


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array"])
@pytest.mark.parametrize(
    "changed",
    [
        {"v1": np.array([0, 1, 3], "i4")},
        {"v1": np.array([0, -1, 2], "i4")},
        {"v1": np.array([0, 1], "i4")},
        {"v1": np.array([0.0, 1.0, 2.0])},
        {"v1": np.array([0, 1, 2], "i2")},
        {"v1": np.array([0, 1, 2], "u4")},
        {"v2": np.array([0, 1, 2], "i4")},
        {"v2": np.array([], "i4")},
        {"v2": np.array([0, 1, 2, 4], "i4")},
        {"v2": np.array([1, 1, 2, 3], "i4")},
        {"v2": np.array([0, 3, 1, 3], "i4")},
        {"v2": np.array([0, 10**6, 10**6, 0], "i4")},
        {"v2": np.array([0, 1, 2, -3], "i4")},
        {"v2": np.array([0, BIG, SMALL, 3], "i8")},
        {"v0": np.array([], "f8"), "v1": np.array([], "i4"), "v2": np.array([0, 10**6, 10**6, 0], "i4")},
        {"v0": np.array([1.0])},
        {"v0": np.array(["a", "b", "c"])},
        {"v0": np.zeros(3, "M8[s]")},
        {"shape": [3]},
        {"shape": [3, 3, 3]},
        {"shape": [2, 2, 3]},
        {"shape": [2, 2]},
        {"shape": [-3, 3]},
        {"shape": [3, -3]},
        {"shape": [3.0, 3]},
        {"shape": [True, 3]},
        {"shape": [3, 2**80]},
        {"shape": []},
        {"shape": ["3", 3]},
    ],
    ids=repr,
)
def test_indices_and_pointers_that_lead_outside_are_refused(kind: str, changed: dict[str, Any]) -> None:
    with pytest.raises(CorruptBlobError, match=r"no readable scipy\.sparse"):
        hostile(kind, **changed).get()


@pytest.mark.parametrize("kind", ["coo_matrix", "coo_array"])
@pytest.mark.parametrize(
    "changed",
    [
        {"v1": np.array([0, 1, 3], "i4")},
        {"v2": np.array([0, 1, -1], "i8")},
        {"v1": np.array([0, 1], "i4")},
        {"v2": np.array([0.0, 1.0, 2.0])},
        {"v0": np.array([1.0])},
        {"v0": np.array([], "f8")},
        {"shape": [3]},
        {"shape": [3, 3, 3]},
        {"shape": [2, 3]},
        {"shape": [0, 0]},
        {"shape": [3, -3]},
        {"shape": [3, 2**80]},
        {"shape": []},
    ],
    ids=repr,
)
def test_places_outside_are_refused(kind: str, changed: dict[str, Any]) -> None:
    with pytest.raises(CorruptBlobError, match=r"no readable scipy\.sparse"):
        hostile(kind, **changed).get()


@pytest.mark.parametrize(
    "dtype", ["|O", "O", "T", "V8", "f8,f8", "nonsense", None, 5, {"names": []}, [], "(2,)f8"], ids=repr
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_dtypes_that_are_no_numbers_are_refused(dtype: Any, place: int) -> None:
    kept = hostile("csr_matrix")
    dtypes = list(kept.content.details["dtypes"])
    dtypes[place] = dtype
    kept.content = replace(kept.content, details={**kept.content.details, "dtypes": dtypes})
    with pytest.raises(CorruptBlobError):
        kept.get()


@pytest.mark.parametrize(
    "changed", [{"class": "dok_matrix"}, {"class": "load_npz"}, {"class": 5}, {"dtypes": []}, {"shape": None}], ids=repr
)
def test_details_that_make_no_sense_are_refused(changed: dict[str, Any]) -> None:
    kept = hostile("csr_matrix")
    kept.content = replace(kept.content, details={**kept.content.details, **changed})
    with pytest.raises(CorruptBlobError):
        kept.get()


@pytest.mark.parametrize("size", [1 << 40, 1 << 62, 1 << 80, -8, 7, 8, "24", True, None], ids=repr)
def test_sizes_that_are_not_true_are_refused(size: Any) -> None:
    kept = hostile("csr_matrix")
    first, *others = kept.content.parts
    kept.content = replace(kept.content, parts=(replace(first, size=size), *others))
    with pytest.raises(CorruptBlobError):
        kept.get()


def test_a_number_of_parts_that_does_not_fit_is_refused() -> None:
    for parts in ([], [0], [0, 1], [0, 1, 2, 2]):
        kept = hostile("csr_matrix")
        dtypes = kept.content.details["dtypes"]
        details = {**kept.content.details, "dtypes": [dtypes[part] for part in parts]}
        kept.content = replace(kept.content, parts=tuple(kept.content.parts[part] for part in parts), details=details)
        with pytest.raises(CorruptBlobError):
            kept.get()


SMALL_VECTORS = hnp.arrays(st.sampled_from(["i4", "i8", ">i4"]), st.integers(0, 5), elements=st.integers(-2, 4))


@given(st.sampled_from(KINDS), st.lists(st.integers(-1, 4), min_size=1, max_size=3), SMALL_VECTORS, SMALL_VECTORS)
def test_whatever_is_read_is_sound_or_refused(kind: str, shape: list[int], first: Any, second: Any) -> None:
    try:
        got = hostile(kind, shape, v1=first, v2=second).get()
    except CorruptBlobError:
        return
    if got.format != "coo":
        got.check_format(full_check=True)
    assert got.toarray().shape == tuple(shape)
    assert got.sum() == 3


def test_the_codecs_are_listed_without_scipy() -> None:
    program = "import sys, omcore, omcore.objects.codecs.sparse; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

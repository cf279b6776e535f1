"""What our pickles call to make numpy's objects again.

numpy's own pickles set the state of dtypes and arrays without checks, so that a forged one points at any memory. Ours
go through these functions, which check everything; numpy's are on no list.
"""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.dtypes import describe, memory, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


def make_dtype(described: Any) -> np.dtype[Any]:
    """A dtype without objects, or that of objects."""
    return np.dtype(object) if described == "O" else rebuild(described)


def make_array(data: Any, described: Any, shape: Sequence[int], order: str) -> NDArray[Any]:
    """An array over memory that someone else holds."""
    dtype = rebuild(described)
    view = memoryview(data).cast("B")
    if len(view) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{len(view)} bytes do not make an array of shape {shape} and dtype {dtype}")
    flat: NDArray[Any] = np.frombuffer(view, dtype) if len(view) else np.empty(math.prod(shape), dtype)
    return flat.reshape(tuple(shape), order="F" if order == "F" else "C")


def make_objects(cells: Sequence[Any], shape: Sequence[int]) -> NDArray[Any]:
    """An array of objects."""
    return np.fromiter(cells, object, len(cells)).reshape(tuple(shape))


def make_scalar(data: bytes, described: Any) -> Any:
    """A scalar."""
    return make_array(bytes(data), described, (), "C")[()]


def make_masked(data: NDArray[Any], mask: NDArray[Any] | None, fill: Any, hard: bool) -> Any:
    """A masked array."""
    masked: Any = np.ma.MaskedArray
    return masked(data, mask=np.ma.nomask if mask is None else mask, fill_value=fill, hard_mask=hard)


def _reduced(value: Any) -> Reduced | None:
    """How an object of numpy is made again, if it is one that these functions make.

    Raises:
        UnsupportedTypeError: it is one, of a dtype that they do not make.
    """
    kind = type(value)
    if kind is np.ndarray:
        return _reduced_array(value)
    if isinstance(value, np.generic) and kind is not np.void and kind.__module__ == "numpy":
        return make_scalar, (value.tobytes(), describe(value.dtype, "a scalar"))
    if isinstance(value, np.dtype):
        return make_dtype, ("O" if value.kind == "O" else describe(value, "it"),)
    if kind is np.ma.MaskedArray:
        mask = None if value.mask is np.ma.nomask else np.asarray(value.mask)
        return make_masked, (np.asarray(value.data), mask, value.fill_value, value.hardmask)
    return None


def _reduced_array(array: NDArray[Any]) -> Reduced:
    if array.dtype == object:
        return make_objects, (array.ravel().tolist(), array.shape)
    described = describe(array.dtype, "an array")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    whole = array if order == "F" else np.ascontiguousarray(array)
    return make_array, (pickle.PickleBuffer(memory(whole)), described, array.shape, order)


def reduce_numpy(value: Any) -> Any:
    """For `reducer_override`: the maker and its arguments, or numpy's own way where it cannot."""
    try:
        found = _reduced(value)
    except UnsupportedTypeError:
        found = None
    return NotImplemented if found is None else found


MAKERS = frozenset(
    (maker.__module__, maker.__name__) for maker in (make_array, make_dtype, make_masked, make_objects, make_scalar)
)
"""The functions that make, as the globals of a pickle."""

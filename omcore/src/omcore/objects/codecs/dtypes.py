"""numpy dtypes as JSON, exactly or not at all; rebuilding one runs no code and never makes a dtype of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from omcore.errors import CorruptBlobError, UnsupportedTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def describe(dtype: np.dtype[Any], what: str) -> Any:
    """Write a dtype as JSON.

    Args:
        dtype: of plain memory, structured or not.
        what: what has this dtype, for the error.

    Raises:
        UnsupportedTypeError: it holds Python objects, or cannot be described exactly.
    """
    if dtype.hasobject or dtype.kind == "T":
        message = f"{what} has dtype {dtype}, which points at objects; convert it to numbers, dates or fixed text first"
        raise UnsupportedTypeError(message)
    described = _describe(dtype)
    if _rebuild(described) != dtype:
        message = f"{what} has dtype {dtype}, which cannot be kept exactly; convert it first"
        raise UnsupportedTypeError(message)
    return described


def rebuild(described: Any) -> np.dtype[Any]:
    """Read a dtype that `describe` wrote.

    Raises:
        CorruptBlobError: it is none, or one that this machine or this numpy does not have.
    """
    try:
        dtype = _rebuild(described)
    except (TypeError, ValueError, KeyError, RecursionError, OverflowError, SyntaxError) as error:
        message = f"{described!r} is no numpy dtype that can be read here; read it where it was written"
        raise CorruptBlobError(message) from error
    if dtype.hasobject or dtype.kind == "T":
        message = f"{described!r} is a numpy dtype that points at objects; such content is never read"
        raise CorruptBlobError(message)
    return dtype


def memory(array: NDArray[Any]) -> memoryview:
    """The bytes of an array that is contiguous in either order, in the order of its memory; no copy."""
    flat = array.reshape(-1, order="A") if array.ndim != 1 else array
    octets: Any = flat.view(np.uint8) if flat.nbytes else b""
    return memoryview(octets)


def _describe(dtype: np.dtype[Any]) -> Any:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": _describe(base), "shape": list(shape)}
    if dtype.names is None:
        return dtype.str
    table: Any = dtype.fields
    fields: list[tuple[Any, ...]] = [table[name] for name in dtype.names]
    return {
        "names": list(dtype.names),
        "formats": [_describe(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "titles": [field[2] if len(field) > 2 else None for field in fields],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    }


def _rebuild(described: Any) -> np.dtype[Any]:
    if isinstance(described, str):
        return np.dtype(described)
    if "base" in described:
        return np.dtype((_rebuild(described["base"]), tuple(described["shape"])))
    spec: dict[str, Any] = {key: list(described[key]) for key in ("names", "offsets")}
    spec["formats"] = [_rebuild(item) for item in described["formats"]]
    if any(title is not None for title in described["titles"]):
        spec["titles"] = list(described["titles"])
    spec["itemsize"] = described["itemsize"]
    dtype: Any = np.dtype
    rebuilt: np.dtype[Any] = dtype(spec, align=bool(described["aligned"]))
    return rebuilt

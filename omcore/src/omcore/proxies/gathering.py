"""Small results are kept together, so that a share becomes few parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def gathered(results: Iterable[Any], most: int) -> Iterator[Any]:
    """Results in order, arrays that follow each other and are alike put together up to so many bytes."""
    held: list[Any] = []
    for result in results:
        if held and (not _alike(held[0], result) or sum(each.nbytes for each in held) + result.nbytes > most):
            yield _joined(held)
            held = []
        held.append(result)
    if held:
        yield _joined(held)


def _alike(one: Any, other: Any) -> bool:
    import numpy as np

    return (
        type(one) is type(other) is np.ndarray
        and one.dtype == other.dtype
        and one.shape[1:] == other.shape[1:]
        and one.flags.c_contiguous
        and other.flags.c_contiguous
    )


def _joined(held: list[Any]) -> Any:
    import numpy as np

    return held[0] if len(held) == 1 else np.concatenate(held)

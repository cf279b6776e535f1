"""How an action is run on a dataset in pieces: what a proxy says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SWITCH = "parallel"
"""The parameter that asks for it."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """How an action is run on a dataset of several parts by several workers at once.

    The action must have a parameter called `parallel`. Where that is true and a dataset of several parts is given, each
    worker calls the action for some parts at a time, as if these were all, and without `into`. So it must treat each
    row by itself.

    Attributes:
        data: the parameter that takes the dataset.
        along: parameters that have a row for each of its rows.
        part: the name of the method that is called instead of the action, with the same arguments; empty for itself.
        merge: makes the result of what the calls returned, in order, which must be JSON; `None` where that are arrays,
            frames or matrices with a row for each row of the dataset, which are put one after the other.
    """

    data: str
    along: tuple[str, ...] = ()
    part: str = ""
    merge: Callable[[Sequence[Any]], Any] | None = None

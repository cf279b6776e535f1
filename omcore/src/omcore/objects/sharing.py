"""How the pieces of a dataset are shared out."""

from __future__ import annotations

from itertools import accumulate, groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def share(sizes: Sequence[int], most: int) -> list[range]:
    """Share pieces out among groups of about the same size; pieces that follow each other stay together.

    Args:
        sizes: the size of each piece, in whatever unit; at least one.
        most: how many groups there may be, at least 1; there are never more than pieces, and none is empty.

    Returns:
        The pieces of each group, in order.
    """
    total = sum(sizes)
    weights = sizes if total else [1] * len(sizes)
    whole = total or len(sizes)
    middles = [end - weight / 2 for end, weight in zip(accumulate(weights), weights, strict=True)]
    groups = [min(most - 1, int(middle * most / whole)) for middle in middles]
    runs = [[number for number, _ in run] for _, run in groupby(enumerate(groups), key=lambda each: each[1])]
    return [range(run[0], run[-1] + 1) for run in runs]


def batches(sizes: Sequence[int], pieces: range, most: int) -> list[range]:
    """Cut a group into batches that are worked on at a time: small pieces together, a large one alone.

    Args:
        sizes: the size of each piece of the whole.
        pieces: the group.
        most: the size that a batch exceeds only where one piece alone does.
    """
    found: list[range] = []
    start, held = pieces.start, 0
    for number in pieces:
        if number > start and held + sizes[number] > most:
            found.append(range(start, number))
            start, held = number, 0
        held += sizes[number]
    return [*found, range(start, pieces.stop)]

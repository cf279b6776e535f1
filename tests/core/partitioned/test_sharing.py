"""Pieces are shared out evenly, in order, and all of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from omcore.objects.sharing import batches, share
from omcore.proxies.gathering import gathered

SIZES = st.lists(st.integers(0, 1000), min_size=1, max_size=60)


@given(SIZES, st.integers(1, 12))
def test_every_piece_is_in_one_group_and_none_is_empty(sizes: list[int], most: int) -> None:
    groups = share(sizes, most)
    assert [piece for group in groups for piece in group] == list(range(len(sizes)))
    assert all(len(group) > 0 for group in groups)
    assert len(groups) <= min(most, len(sizes))


@given(SIZES, st.integers(1, 12))
def test_no_group_is_larger_than_its_share_by_more_than_a_piece(sizes: list[int], most: int) -> None:
    for group in share(sizes, most):
        assert sum(sizes[piece] for piece in group) <= sum(sizes) / most + max(sizes)


@given(st.integers(1, 60), st.integers(1, 12))
def test_equal_pieces_make_as_many_groups_as_there_may_be(pieces: int, most: int) -> None:
    groups = share([5] * pieces, most)
    assert len(groups) == min(pieces, most)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    assert share([0] * pieces, most) == groups


@given(SIZES, st.integers(1, 12), st.integers(1, 2000))
def test_a_batch_is_as_large_as_it_may_be_and_no_larger(sizes: list[int], most: int, largest: int) -> None:
    for group in share(sizes, most):
        found = batches(sizes, group, largest)
        assert [piece for batch in found for piece in batch] == list(group)
        for batch, following in pairwise(found):
            assert sum(sizes[piece] for piece in batch) + sizes[following.start] > largest
        assert all(len(batch) == 1 or sum(sizes[piece] for piece in batch) <= largest for batch in found)


@given(st.lists(st.sampled_from(["i8", "f8", "f4", "frame"]), max_size=8), st.integers(1, 100))
def test_arrays_that_are_alike_are_kept_together_up_to_a_size(kinds: list[str], most: int) -> None:
    results = [pd.DataFrame({"x": [1]}) if kind == "frame" else np.arange(3, dtype=kind) for kind in kinds]
    found = list(gathered(iter(results), most))
    assert sum(map(len, found)) == sum(map(len, results))
    arrays = [each for each in found if isinstance(each, np.ndarray)]
    assert [each.dtype for each in arrays for _ in range(len(each) // 3)] == [kind for kind in kinds if kind != "frame"]
    assert all(each.nbytes <= most or len(each) == 3 for each in arrays)
    assert sum(isinstance(each, pd.DataFrame) for each in found) == kinds.count("frame")


def test_arrays_of_another_order_or_width_are_kept_apart() -> None:
    square = np.ones((2, 2))
    assert len(list(gathered([square, np.asfortranarray(square), np.ones((2, 3))], 10**6))) == 3

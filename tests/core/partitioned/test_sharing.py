"""Pieces are shared out evenly, in order, and all of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from omcore.objects.sharing import batches, share

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

"""S2, S5, S6, S9, S11: processes are killed, count, collect garbage, and open a new storage, all at the same moment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.testing.storage.bars import CollectionBar, CountingBar, KillBar, OpeningBar, SequenceBar
from omcore.testing.storage.contention import identities
from omcore.testing.storage.saboteurs.of_files import OpensWithoutALock, WritesInPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.storage.backend import Place
    from omcore.testing.storage.bars import OpenPlace


def opening(kind: type[EmbeddedStorage], durability: Literal["full", "process"]) -> OpenPlace:
    return lambda place: partial(kind, EmbeddedOptions(durability=durability), place)


class TestKills(KillBar):
    @pytest.fixture
    def open_anywhere(self) -> OpenPlace:
        return opening(EmbeddedStorage, "full")

    def test_kills_catch_a_blob_that_is_written_where_it_is_read(self, places: Iterator[Place]) -> None:
        assert self.tears(opening(WritesInPlace, "full")(next(places)))


class TestMeetings(CountingBar, CollectionBar):
    @pytest.fixture
    def open_anywhere(self) -> OpenPlace:
        return opening(EmbeddedStorage, "process")


class TestSequences(SequenceBar):
    sequences = 300
    steps = 15

    @pytest.fixture
    def open_anywhere(self) -> OpenPlace:
        return opening(EmbeddedStorage, "process")


class TestOpenings(OpeningBar):
    @pytest.fixture(params=["full", "process"])
    def open_anywhere(self, request: pytest.FixtureRequest) -> OpenPlace:
        return opening(EmbeddedStorage, request.param)

    def test_opening_at_once_catches_one_without_a_lock(self, places: Iterator[Place]) -> None:
        attempts = (identities(opening(OpensWithoutALock, "process")(next(places))) for _ in range(20))
        assert any(len(found) > 1 for found in attempts)

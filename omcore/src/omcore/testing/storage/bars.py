"""What holds under stress: processes that are killed, meet, or collect garbage; for every storage in the same way.

    import pytest
    from functools import partial
    from omcore.testing.storage.bars import StorageBars

    class TestMyStorageUnderStress(StorageBars):
        @pytest.fixture
        def open_anywhere(self):
            return lambda place: partial(MyStorage, MyStorage.Options(), place)

Each bar comes with storages that break its promise and that it must catch: yours with a mistake in front of it, and
those that you add because only your engine can make the mistake. A fixture `scale` multiplies the lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count, islice
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import pytest

from omcore.storage.backend import Place
from omcore.storage.gc import collect
from omcore.testing.storage.contention import counted, identities, missing_after_collection, orphan
from omcore.testing.storage.crash import OpenAnywhere, kill_writers
from omcore.testing.storage.fixtures import StorageKit
from omcore.testing.storage.machine import compare_sequences
from omcore.testing.storage.saboteurs.shadow import (
    AcknowledgesEarly,
    ComparesThenSets,
    HeadFirst,
    LooksThenDeletes,
    spoiled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.testing.storage.saboteurs.shadow import Shadow

OpenPlace: TypeAlias = Callable[[Place], OpenAnywhere]
"""Gives what opens the storage of a place in any process."""

ATTEMPTS = 20
"""How often a bar may try until two processes meet at the moment that shows a mistake."""


class BarKit(StorageKit):
    """What every bar is given."""

    @pytest.fixture
    def open_anywhere(self) -> OpenPlace:
        """How to open the storage under test in any process; override this fixture."""
        raise NotImplementedError("override the fixture `open_anywhere`: from a Place, what opens it anywhere")

    @pytest.fixture
    def places(self, tmp_path: Path) -> Iterator[Place]:
        """Places that no storage was opened for yet, as many as you need."""
        return (Place("bar", tmp_path / f"place{number}") for number in count())

    @pytest.fixture
    def length(self, request: pytest.FixtureRequest) -> int:
        """By how much a bar multiplies its usual length: what the fixture `scale` says, if there is one."""
        try:
            return int(request.getfixturevalue("scale"))
        except pytest.FixtureLookupError:
            return 1


class KillBar(BarKit):
    """S2: a writer that is killed at any moment tears nothing, and loses nothing that it acknowledged."""

    kills: ClassVar[int] = 20
    """How many writers are killed, usually."""

    @pytest.mark.parametrize("kind", [AcknowledgesEarly, HeadFirst])
    def test_kills_catch_a_planted_defect(
        self, open_anywhere: OpenPlace, places: Iterator[Place], kind: type[Shadow]
    ) -> None:
        """If this fails, the bar cannot see what it is for: check that `open_anywhere` opens the same data again."""
        assert self.tears(spoiled(kind, open_anywhere(next(places))))

    def test_kills_tear_nothing_and_lose_nothing(
        self, open_anywhere: OpenPlace, places: Iterator[Place], length: int
    ) -> None:
        """If this fails, check that a blob is visible only when it is whole, and a commit only when it is durable."""
        crashes = list(islice(kill_writers(open_anywhere(next(places)), seed=1), self.kills * length))
        assert [problem for crash in crashes for problem in crash.problems] == []
        assert sum(crash.acknowledged for crash in crashes) > len(crashes) / 2

    @staticmethod
    def tears(open_storage: OpenAnywhere) -> bool:
        """Whether kills show something torn or lost; for storages with a mistake."""
        return any(crash.problems for crash in islice(kill_writers(open_storage, seed=2), 10 * ATTEMPTS))


class CountingBar(BarKit):
    """S6: of processes that compare and set at the same moment, each has every one of its changes made once."""

    increments: ClassVar[int] = 50
    """How often each process counts, usually."""

    counters: ClassVar[int] = 4
    """Processes that count at the same time."""

    def test_counting_catches_a_planted_defect(self, open_anywhere: OpenPlace, places: Iterator[Place]) -> None:
        """If this fails, the bar cannot see what it is for: check that processes share the storage of a place."""
        attempts = (counted(spoiled(ComparesThenSets, open_anywhere(place)), 20) for place in islice(places, ATTEMPTS))
        assert any(found != (80, 0) for found in attempts)

    def test_no_increment_is_lost_between_processes(
        self, open_anywhere: OpenPlace, places: Iterator[Place], length: int
    ) -> None:
        """If this fails, check that nobody comes between compare and set, and that a read is as of now."""
        number = self.increments * length
        assert counted(open_anywhere(next(places)), number, self.counters) == (number * self.counters, 0)


class CollectionBar(BarKit):
    """S9: garbage collection takes what nobody refers to, whoever writes at the same moment, and nothing else."""

    orphans: ClassVar[int] = 300
    """Blobs that one process collects while another refers to them, usually."""

    def test_collection_against_a_writer_catches_a_planted_defect(
        self, open_anywhere: OpenPlace, places: Iterator[Place]
    ) -> None:
        """If this fails, the bar cannot see what it is for: check that processes share the storage of a place."""
        spoilt = (spoiled(LooksThenDeletes, open_anywhere(place)) for place in islice(places, ATTEMPTS))
        assert any(missing_after_collection(storage, 60)[0] for storage in spoilt)

    def test_no_blob_is_collected_that_a_writer_refers_to(
        self, open_anywhere: OpenPlace, places: Iterator[Place], length: int
    ) -> None:
        """If this fails, check that `delete_blob` looks at the age and deletes in one step, and `has_blob` renews."""
        deleted = 0
        for place in islice(places, ATTEMPTS):
            if deleted:  # else the two did not meet, and nothing was shown
                break
            missing, deleted = missing_after_collection(open_anywhere(place), self.orphans * length)
            assert missing == []
        assert deleted > 0

    def test_a_dry_run_says_what_a_collection_then_does(
        self, open_anywhere: OpenPlace, places: Iterator[Place]
    ) -> None:
        """If this fails, check that `find_blobs` and `delete_blob` mean the same by the age of a blob."""
        with open_anywhere(next(places))() as storage:
            kept = storage.write_blob([b"kept"]).digest
            storage.put_record("key", {"blobs": [kept]}, None)
            for at in range(20):
                storage.write_blob([orphan(at)])
            planned = collect(storage, timedelta(days=-1), dry_run=True)
            done = collect(storage, timedelta(days=-1))
            assert (done.deleted, done.kept, done.bytes) == (20, 1, sum(len(orphan(at)) for at in range(20)))
            assert (planned.deleted, planned.kept, planned.bytes) == (done.deleted, done.kept, done.bytes)


class OpeningBar(BarKit):
    """S11: a new storage that many processes open at once is one storage."""

    openings: ClassVar[int] = 2
    """How many new storages are opened so, usually."""

    def test_many_processes_open_a_new_storage_at_once(
        self, open_anywhere: OpenPlace, places: Iterator[Place], length: int
    ) -> None:
        """If this fails, check that making the storage is one step, or that all but one wait for it."""
        for place in islice(places, self.openings * length):
            assert len(identities(open_anywhere(place))) == 1


class SequenceBar(BarKit):
    """S5: any sequence of calls does what it does to the memory storage; openings and collections among them."""

    sequences: ClassVar[int] = 100
    """How many are made up, usually."""

    steps: ClassVar[int] = 40
    """Calls of a sequence, at most."""

    def test_made_up_sequences_catch_a_planted_defect(self, open_anywhere: OpenPlace, tmp_path: Path) -> None:
        """If this fails, the bar cannot see what it is for: check that `open_anywhere` opens a new storage here."""
        with pytest.raises(AssertionError):
            compare_sequences(lambda place: spoiled(HeadFirst, open_anywhere(place))(), tmp_path, 100, self.steps)

    def test_made_up_sequences_do_what_they_do_to_the_memory_storage(
        self, open_anywhere: OpenPlace, tmp_path: Path, length: int
    ) -> None:
        """If this fails, the steps that are printed show it, though not in the shortest way: the kit's test does so."""
        compare_sequences(lambda place: open_anywhere(place)(), tmp_path, self.sequences * length, self.steps)


class StorageBars(KillBar, SequenceBar, CountingBar, CollectionBar, OpeningBar):
    """All of them: inherit this, and override the fixture `open_anywhere`."""

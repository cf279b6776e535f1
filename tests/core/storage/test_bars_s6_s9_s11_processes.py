"""S6, S9, S11: several processes count, collect garbage, and open a new storage, all at the same moment."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from omcore.storage.backend import Place
from omcore.storage.digests import digest_of
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.gc import collect
from omcore.testing.storage.contention import (
    adopt_orphans,
    collect_until_adopted,
    count_up,
    identify,
    in_processes,
    orphan,
)
from omcore.testing.storage.saboteurs.of_durability import ComparesThenSets, LooksThenUnlinks, OpensWithoutALock

if TYPE_CHECKING:
    from pathlib import Path


def opener(
    kind: type[EmbeddedStorage], folder: Path, durability: Literal["full", "process"] = "process"
) -> partial[EmbeddedStorage]:
    return partial(kind, EmbeddedOptions(durability=durability), Place("shared", folder))


def counted(kind: type[EmbeddedStorage], folder: Path, increments: int) -> tuple[int, int]:
    """What four processes count to when each makes that many increments, and how often they see it go backwards."""
    open_storage = opener(kind, folder)
    backwards = in_processes(open_storage, [partial(count_up, increments=increments)] * 4)
    with open_storage() as storage:
        record = storage.get_record("counter")
        assert record is not None
        return record.body["n"], sum(backwards)


def test_counting_catches_a_planted_defect(tmp_path: Path) -> None:
    assert any(counted(ComparesThenSets, tmp_path / str(attempt), 20) != (80, 0) for attempt in range(20))


def test_no_increment_is_lost_between_processes(tmp_path: Path, scale: int) -> None:
    assert counted(EmbeddedStorage, tmp_path, 50 * scale) == (200 * scale, 0)


def missing_after_collection(kind: type[EmbeddedStorage], folder: Path, number: int) -> tuple[list[int], int]:
    """Which adopted orphans are gone, after one process adopted old ones while another deleted so many as garbage."""
    open_storage = opener(kind, folder)
    with open_storage() as storage:
        for at in range(number):
            path = storage.local_path(storage.write_blob([orphan(at)]).digest)
            os.utime(path, (0, 0))
    collector = partial(collect_until_adopted, number=number)
    _, deleted = in_processes(open_storage, [partial(adopt_orphans, number=number), collector])
    with open_storage() as storage:
        assert len(storage.find_records("adopted/", limit=number)) == number
        return [at for at in range(number) if not storage.has_blob(digest_of(orphan(at)))], deleted


def test_collection_against_a_writer_catches_a_planted_defect(tmp_path: Path) -> None:
    attempts = (missing_after_collection(LooksThenUnlinks, tmp_path / str(attempt), 200) for attempt in range(20))
    assert any(missing for missing, _ in attempts)


def test_no_blob_is_collected_that_a_writer_refers_to(tmp_path: Path, scale: int) -> None:
    deleted = 0
    for attempt in range(20):
        if deleted:  # else the two did not meet, and nothing was shown
            break
        missing, deleted = missing_after_collection(EmbeddedStorage, tmp_path / str(attempt), 300 * scale)
        assert missing == []
    assert deleted > 0


def test_a_dry_run_says_what_a_collection_then_does(tmp_path: Path) -> None:
    with opener(EmbeddedStorage, tmp_path)() as storage:
        kept = storage.write_blob([b"kept"]).digest
        storage.put_record("key", {"blobs": [kept]}, None)
        for at in range(20):
            storage.write_blob([orphan(at)])
        planned = collect(storage, timedelta(days=-1), dry_run=True)
        done = collect(storage, timedelta(days=-1))
        assert (done.deleted, done.kept, done.bytes) == (20, 1, sum(len(orphan(at)) for at in range(20)))
        assert (planned.deleted, planned.kept, planned.bytes) == (done.deleted, done.kept, done.bytes)


def identities(
    kind: type[EmbeddedStorage], folder: Path, durability: Literal["full", "process"] = "process"
) -> set[str]:
    open_storage = opener(kind, folder, durability)
    found = set(in_processes(open_storage, [identify] * 16))
    with open_storage() as storage:
        assert len(storage.find_records("visitor/")) == 16
    return found


def test_opening_at_once_catches_a_planted_defect(tmp_path: Path) -> None:
    assert any(len(identities(OpensWithoutALock, tmp_path / str(attempt))) > 1 for attempt in range(20))


@pytest.mark.parametrize("durability", ["full", "process"])
def test_sixteen_processes_open_a_new_storage_at_once(
    tmp_path: Path, scale: int, durability: Literal["full", "process"]
) -> None:
    for attempt in range(2 * scale):
        assert len(identities(EmbeddedStorage, tmp_path / str(attempt), durability)) == 1

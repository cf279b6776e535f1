"""Garbage collection takes what nothing needs, and only that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import CorruptRecordError
from omcore.storage.backend import Delete, Place, Put
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.gc import Report, collect
from omcore.storage.memory import MemoryOptions, MemoryStorage
from omcore.testing.storage.fixtures import contents, moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from omcore.storage.backend import Record, StorageBackend
    from omcore.storage.bodies import Scalar

AT_ONCE = timedelta(days=-1)


@pytest.fixture(params=["memory", "embedded"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorageBackend]:
    place = Place("collected", tmp_path)
    opened: dict[str, StorageBackend] = {
        "memory": MemoryStorage(MemoryOptions(), place),
        "embedded": EmbeddedStorage(EmbeddedOptions(), place),
    }
    with opened["memory"], opened["embedded"]:
        yield opened[request.param]


def test_a_blob_that_any_record_lists_is_kept(storage: StorageBackend) -> None:
    digests = [storage.write_blob([b"%d" % number]).digest for number in range(4)]
    storage.put_record("head/x", {"version": 2}, None)
    storage.put_record("version/x/1", {"blobs": digests[:2]}, None)
    storage.put_record("anything", {"blobs": [digests[2], "0" * 64]}, None)
    assert collect(storage, AT_ONCE) == Report(deleted=1, kept=3, bytes=1, swept=0)
    assert set(contents(storage)) == set(digests[:3])


def test_a_young_blob_is_kept(storage: StorageBackend) -> None:
    storage.write_blob([b"just written"])
    assert collect(storage) == Report()
    assert len(contents(storage)) == 1


def test_a_dry_run_deletes_nothing(storage: StorageBackend) -> None:
    storage.write_blob([b"garbage"])
    assert collect(storage, AT_ONCE, dry_run=True) == Report(deleted=1, bytes=7)
    assert collect(storage, AT_ONCE) == Report(deleted=1, bytes=7)
    assert contents(storage) == {}


def test_more_records_than_a_page_are_looked_through(storage: StorageBackend) -> None:
    digest = storage.write_blob([b"kept"]).digest
    storage.commit([Put(f"key/{number:05}", {"n": number}, None) for number in range(2500)])
    storage.put_record("zzz", {"blobs": [digest]}, None)
    assert collect(storage, AT_ONCE).deleted == 0


@pytest.mark.parametrize("references", ["a digest", {"a": 1}, 5, [5], None])
def test_nothing_is_collected_while_a_list_of_blobs_cannot_be_read(storage: StorageBackend, references: Any) -> None:
    storage.write_blob([b"garbage"])
    storage.put_record("key", {"blobs": references}, None)
    with pytest.raises(CorruptRecordError, match="'key'"):
        collect(storage, AT_ONCE)
    assert len(contents(storage)) == 1


class MovesWhileItIsRead(MemoryStorage):
    """A reference moves to a record that the reader has passed, before the reader comes to the one it was in."""

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = 1000,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        if after is None and (found := self.get_record("z")):
            passed = super().find_records(prefix, where, after, 1, fields)
            self.commit([Put("a", found.body, None), Delete("z", found.revision)])
            return [*passed, *super().find_records(prefix, where, "b", limit - 1, fields)]
        return super().find_records(prefix, where, after, limit, fields)


def test_a_reference_that_moves_during_the_reading_is_seen(tmp_path: Path) -> None:
    with MovesWhileItIsRead(MemoryOptions(), Place("moving", tmp_path)) as storage:
        digest = storage.write_blob([b"needed all the time"]).digest
        storage.put_record("b", {}, None)
        storage.put_record("z", {"blobs": [digest]}, None)
        assert collect(storage, AT_ONCE).deleted == 0
        assert storage.get_record("a") is not None


class AsksInTheLastMoment(MemoryStorage):
    """A writer asks for the blob after the collector has decided, and before it deletes."""

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        assert self.has_blob(digest)
        return super().delete_blob(digest, older_than)


def test_a_blob_that_is_asked_for_in_the_last_moment_is_kept(tmp_path: Path) -> None:
    with AsksInTheLastMoment(MemoryOptions(), Place("asking", tmp_path)) as storage:
        storage.write_blob([b"wanted"])
        moment()
        assert collect(storage, timedelta(0)) == Report(deleted=0, kept=1)

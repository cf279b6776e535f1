"""Promises about commits: all or none, in order, and each compare-and-set is won by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import TYPE_CHECKING

import pytest

from omcore.errors import ConflictError, InvalidArgumentError
from omcore.storage.backend import Change, Delete, Place, Put, StorageBackend
from omcore.testing.storage.fixtures import StorageKit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.testing.storage.fixtures import OpenStorage


def bodies(storage: StorageBackend) -> dict[str, object]:
    """Every record's body."""
    return {record.key: record.body for record in storage.scan_records("")}


class CommitPromises(StorageKit):
    """Several changes at once, and several who change."""

    def test_a_commit_makes_all_its_changes(self, storage: StorageBackend) -> None:
        """If this fails, check that puts, updates and deletes can be mixed, and that only puts have a revision."""
        old = storage.commit([Put("a", {"n": 1}, None), Put("b", {"n": 1}, None)])
        changes: list[Change] = [Put("c", {"n": 2}, None), Delete("a", old["a"]), Put("b", {"n": 2}, old["b"])]
        new = storage.commit(changes)
        assert set(new) == {"b", "c"}
        assert bodies(storage) == {"b": {"n": 2}, "c": {"n": 2}}
        assert {record.key: record.revision for record in storage.find_records("")} == new

    def test_a_commit_of_nothing_changes_nothing(self, storage: StorageBackend) -> None:
        """If this fails, check for an empty list before you begin a transaction."""
        assert storage.commit([]) == {}

    def test_a_large_commit_is_one_commit(self, storage: StorageBackend) -> None:
        """If this fails, check the limits of a transaction in your engine."""
        changes = [Put(f"key/{number:04}", {"text": "x" * 500, "n": number}, None) for number in range(1500)]
        assert len(storage.commit(changes)) == 1500
        assert len(list(storage.scan_records("key/"))) == 1500

    @pytest.mark.parametrize("position", [0, 1, 2])
    @pytest.mark.parametrize("conflict", ["create", "update", "delete"])
    def test_one_conflict_undoes_the_whole_commit(self, storage: StorageBackend, position: int, conflict: str) -> None:
        """If this fails, check that you compare every revision before you make the first change, in one transaction."""
        revision = storage.put_record("there", {"n": 1}, None)
        changes: list[Change] = [Put("new", {"n": 2}, None), Put("there", {"n": 2}, revision)]
        wrongs: dict[str, Change] = {
            "create": Put("gone", {}, "r"),
            "update": Put("x", {}, "r"),
            "delete": Delete("gone", "r"),
        }
        wrong = wrongs[conflict]
        changes.insert(position, wrong)
        with pytest.raises(ConflictError) as caught:
            storage.commit(changes)
        assert (caught.value.key, caught.value.found) == (wrong.key, None)
        assert bodies(storage) == {"there": {"n": 1}}

    @pytest.mark.parametrize(
        "wrong", [[Put("a", {}, None)], [Delete("a", "r")], [Put("ä", {}, None)], [Put("b", {"x": b"bytes"}, None)]]
    )
    def test_a_commit_that_breaks_the_rules_changes_nothing(
        self, storage: StorageBackend, wrong: Sequence[Change]
    ) -> None:
        """If this fails, check all keys and bodies, and that no key comes twice, before you write."""
        with pytest.raises(InvalidArgumentError):
            storage.commit([Put("a", {}, None), *wrong])
        assert bodies(storage) == {}

    def test_of_many_who_create_a_record_one_wins(
        self, storage: StorageBackend, open_storage: OpenStorage, place: Place
    ) -> None:
        """If this fails, check that creating is a compare-and-set too: insert, never upsert."""
        barrier = Barrier(6)

        def wins(opened: StorageBackend) -> int:
            won = 0
            for number in range(10):
                barrier.wait()
                try:
                    opened.put_record(f"key/{number}", {}, None)
                except ConflictError:
                    continue
                won += 1
            return won

        with open_storage(place) as other, ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(wins, [storage, other] * 3)) == 10

    def test_no_increment_is_lost_between_threads_and_openings(
        self, storage: StorageBackend, open_storage: OpenStorage, place: Place
    ) -> None:
        """If this fails, check that no other writer comes between your compare and your set."""

        def count(storage: StorageBackend) -> None:
            done = 0
            while done < 15:
                record = storage.get_record("counter")
                assert record is not None
                try:
                    storage.put_record("counter", {"n": record.body["n"] + 1}, record.revision)
                except ConflictError:
                    continue
                done += 1

        storage.put_record("counter", {"n": 0}, None)
        with open_storage(place) as other, ThreadPoolExecutor(6) as pool:
            list(pool.map(count, [storage, other] * 3))
        assert bodies(storage) == {"counter": {"n": 90}}

    def test_a_reader_never_sees_a_pointer_before_what_it_points_at(
        self, storage: StorageBackend, open_storage: OpenStorage, place: Place
    ) -> None:
        """If this fails, check that the changes of a commit become visible together, or in the order of the list."""
        done = Event()

        def write() -> None:
            try:
                head = storage.put_record("head", {"n": 0}, None)
                for number in range(1, 60):
                    changes = [Put(f"version/{number}", {}, None), Put("head", {"n": number}, head)]
                    head = storage.commit(changes)["head"]
            finally:
                done.set()

        def read(opened: StorageBackend) -> None:
            last = False
            while not last:
                last = done.is_set()
                head = opened.get_record("head")
                if head and head.body["n"]:
                    assert opened.get_record(f"version/{head.body['n']}") is not None

        with open_storage(place) as other, ThreadPoolExecutor(3) as pool:
            for running in [pool.submit(write), pool.submit(read, storage), pool.submit(read, other)]:
                running.result()

"""Promises about the age of blobs: what was asked for a moment ago is not collected under its owner's hands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from omcore.errors import BlobNotFoundError
from omcore.storage.backend import BlobInfo
from omcore.testing.storage.fixtures import FUTURE, StorageKit, contents, moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.storage.backend import StorageBackend

RENEWALS: dict[str, Callable[[StorageBackend, str], object]] = {
    "write_blob": lambda storage, _: storage.write_blob([b"content"]),
    "has_blob": lambda storage, digest: storage.has_blob(digest),
    "have_blobs": lambda storage, digest: storage.have_blobs([digest, "0" * 64]),
}


def race(*acts: Callable[[], object]) -> list[object]:
    """Do several things at the same moment, each in a thread of its own."""
    barrier = Barrier(len(acts))

    def at_once(act: Callable[[], object]) -> object:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(at_once, acts))


class AgePromises(StorageKit):
    """Finding and deleting old blobs."""

    def test_only_older_blobs_are_found(self, storage: StorageBackend) -> None:
        """If this fails, check that an age is the time of the last renewal, compared in UTC."""
        old = storage.write_blob([b"old"])
        between = moment()
        new = storage.write_blob([b"newer"])
        assert list(storage.find_blobs(between)) == [BlobInfo(old.digest, 3)]
        assert contents(storage) == {old.digest: 3, new.digest: 5}

    @pytest.mark.parametrize("renewal", RENEWALS)
    def test_asking_for_a_blob_makes_it_young(self, storage: StorageBackend, renewal: str) -> None:
        """If this fails, check that writing the same bytes, `has_blob` and `have_blobs` all renew the age."""
        digest = storage.write_blob([b"content"]).digest
        between = moment()
        RENEWALS[renewal](storage, digest)
        assert list(storage.find_blobs(between)) == []
        assert not storage.delete_blob(digest, between)
        assert storage.has_blob(digest)

    def test_which_of_several_blobs_are_there(self, storage: StorageBackend) -> None:
        """If this fails, check your own `have_blobs`, or leave it out: the base class has one."""
        digests = [storage.write_blob([content]).digest for content in (b"a", b"b")]
        assert storage.have_blobs([*digests, "0" * 64]) == frozenset(digests)
        assert storage.have_blobs([]) == frozenset()

    def test_an_old_blob_is_deleted_for_good(self, storage: StorageBackend) -> None:
        """If this fails, check that a delete removes the name with the bytes, and reports that it did."""
        digest = storage.write_blob([b"content"]).digest
        assert storage.delete_blob(digest, FUTURE)
        assert contents(storage) == {}
        assert not storage.has_blob(digest)
        assert not storage.delete_blob(digest, FUTURE)
        with pytest.raises(BlobNotFoundError):
            storage.open_blob(digest)

    def test_a_deleted_blob_can_be_written_again(self, storage: StorageBackend) -> None:
        """If this fails, check that no memory of a blob outlives its delete."""
        for _ in range(3):
            digest = storage.write_blob([b"content"]).digest
            with storage.open_blob(digest) as file:
                assert file.read() == b"content"
            assert storage.delete_blob(digest, FUTURE)

    @pytest.mark.parametrize("number", range(20))
    def test_a_blob_that_has_blob_promised_is_not_deleted(self, storage: StorageBackend, number: int) -> None:
        """If this fails, check that `delete_blob` looks at the age and deletes in one step."""
        digest = storage.write_blob([b"content %d" % number]).digest
        between = moment()
        promised, deleted = race(lambda: storage.has_blob(digest), lambda: storage.delete_blob(digest, between))
        assert promised != deleted
        assert storage.has_blob(digest) == promised

    @pytest.mark.parametrize("number", range(20))
    def test_a_blob_that_was_just_written_is_not_deleted(self, storage: StorageBackend, number: int) -> None:
        """If this fails, check that a delete cannot take away what a writer puts in place at the same moment."""
        content = b"content %d" % number
        digest = storage.write_blob([content]).digest
        between = moment()
        race(lambda: storage.write_blob([content]), lambda: storage.delete_blob(digest, between))
        with storage.open_blob(digest) as file:
            assert file.read() == content

    def test_sweeping_takes_nothing_that_is_whole(self, storage: StorageBackend) -> None:
        """If this fails, check that `sweep` looks only at what unfinished writes left."""
        info = storage.write_blob([b"whole"])
        assert storage.sweep(FUTURE) == 0
        with storage.open_blob(info.digest) as file:
            assert file.read() == b"whole"

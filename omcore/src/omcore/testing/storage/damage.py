"""Promises about damage: what does not match is reported, never returned. Needs `damage_blob` and `damage_record`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import CorruptBlobError, CorruptRecordError
from omcore.storage.backend import CHUNK_SIZE, SupportsLocalPath
from omcore.testing.storage.blobs import noise
from omcore.testing.storage.fixtures import StorageKit, summary

if TYPE_CHECKING:
    from omcore.storage.backend import Place, StorageBackend


class DamagePromises(StorageKit):
    """Reading what somebody changed behind the storage's back."""

    @pytest.mark.parametrize("position", [0, 50, 99])
    def test_a_damaged_blob_is_not_returned(self, storage: StorageBackend, place: Place, position: int) -> None:
        """If this fails, check that the digest is computed from what was read, before anything is handed out."""
        digest = storage.write_blob([noise(100)]).digest
        self.damage_blob(place, digest, position)
        with pytest.raises(CorruptBlobError):
            storage.open_blob(digest).read()
        if isinstance(storage, SupportsLocalPath):
            with pytest.raises(CorruptBlobError):
                storage.local_path(digest)

    def test_a_ranged_read_verifies_what_it_touches_and_no_more(self, storage: StorageBackend, place: Place) -> None:
        """If this fails, check that each chunk has a digest of its own, and that the last, short one has too."""
        content = noise(3 * CHUNK_SIZE + 10)
        digest = storage.write_blob([content]).digest
        self.damage_blob(place, digest, CHUNK_SIZE + 5)
        self.damage_blob(place, digest, 3 * CHUNK_SIZE + 9)
        with storage.open_blob(digest) as file:
            assert summary(file.read(CHUNK_SIZE)) == summary(content[:CHUNK_SIZE])
            for start in (CHUNK_SIZE, 2 * CHUNK_SIZE - 1, 3 * CHUNK_SIZE, CHUNK_SIZE - 1):
                file.seek(start)
                with pytest.raises(CorruptBlobError):
                    file.read(2)
            file.seek(2 * CHUNK_SIZE)
            assert summary(file.read(CHUNK_SIZE)) == summary(content[2 * CHUNK_SIZE : 3 * CHUNK_SIZE])

    @pytest.mark.parametrize("size", [100, 2 * CHUNK_SIZE])
    def test_writing_again_mends_a_damaged_blob(self, storage: StorageBackend, place: Place, size: int) -> None:
        """If this fails, a writer is told that its bytes are stored when damaged ones are: verify before you skip."""
        digest = storage.write_blob([noise(size)]).digest
        self.damage_blob(place, digest, size - 1)
        assert storage.write_blob([noise(size)]).digest == digest
        with storage.open_blob(digest) as file:
            assert summary(file.read()) == summary(noise(size))

    def test_a_damaged_record_is_not_returned(self, storage: StorageBackend, place: Place) -> None:
        """If this fails, check that a record carries a checksum of its body that every read compares."""
        storage.put_record("key/good", {"a": 1}, None)
        storage.put_record("key/bad", {"a": 1}, None)
        self.damage_record(place, "key/bad")
        assert storage.get_record("key/good") is not None
        with pytest.raises(CorruptRecordError):
            storage.get_record("key/bad")
        with pytest.raises(CorruptRecordError):
            storage.find_records("key/")
        with pytest.raises(CorruptRecordError):
            storage.get_records(["key/bad"])

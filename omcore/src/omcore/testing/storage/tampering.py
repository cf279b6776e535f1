"""What holds when somebody changes what is stored, behind the storage's back; for every storage in the same way.

class TestMyStorageIsTamperedWith(TamperBar):
@pytest.fixture
def damages(self):
return {"flip": flip_a_byte_in_my_engine, "cut": cut_in_my_engine, "swap chunks": ...}

@pytest.fixture
def edits(self):
return {"another value": edit_a_record_in_my_engine, ...}
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from typing import TYPE_CHECKING, TypeAlias

import pytest

from omcore.errors import CorruptBlobError, CorruptRecordError
from omcore.storage.backend import CHUNK_SIZE, Place, StorageBackend, SupportsLocalPath
from omcore.storage.digests import digest_of
from omcore.testing.storage.bars import BarKit
from omcore.testing.storage.blobs import noise

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.testing.storage.fixtures import OpenStorage

Damage: TypeAlias = Callable[[Place, str, str, random.Random], object]
"""Changes what is stored of the first of two blobs, however little; says `False` where it cannot."""

Edit: TypeAlias = Callable[[Place], object]
"""Changes the record `a`; there is a record `b` with the same body."""

SIZES = (100, CHUNK_SIZE, 2 * CHUNK_SIZE + 50, 3 * CHUNK_SIZE + 51)
"""Bytes of the blobs that are damaged."""

WAYS: tuple[Callable[[StorageBackend], object], ...] = (
    lambda storage: storage.get_record("a"),
    lambda storage: storage.get_records(["a", "b"]),
    lambda storage: storage.find_records(""),
)
"""How the record `a` can be read."""


class TamperBar(BarKit):
    """S7: whatever is flipped, cut, swapped or edited is reported, and never returned."""

    @pytest.fixture
    def damages(self) -> Mapping[str, Damage]:
        """What can be done to a blob in this engine; override this fixture."""
        raise NotImplementedError("override the fixture `damages`: ways to change a stored blob, by name")

    @pytest.fixture
    def edits(self) -> Mapping[str, Edit]:
        """What can be done to a record in this engine; override this fixture."""
        raise NotImplementedError("override the fixture `edits`: ways to change a stored record, by name")

    @pytest.fixture
    def open_believing(self) -> OpenStorage:
        """How to open the storage under test so that it believes what it reads; override this fixture."""
        raise NotImplementedError("override the fixture `open_believing`: a storage of yours that verifies nothing")

    def test_tampering_catches_a_planted_defect(
        self, open_storage: OpenStorage, open_believing: OpenStorage, damages: Mapping[str, Damage], place: Place
    ) -> None:
        """If this fails, the bar cannot see what it is for: check that the damages change what is stored."""
        with open_storage(place) as storage, open_believing(place) as believing:
            digest, other = (storage.write_blob([noise(size)]).digest for size in (100, 101))
            damage = next(iter(damages.values()))
            damage(place, digest, other, random.Random(1))  # noqa: S311 -- not a secret
            assert not is_reported(believing, digest)
            assert is_reported(storage, digest)

    def test_every_damage_to_a_blob_is_reported(
        self, storage: StorageBackend, damages: Mapping[str, Damage], place: Place, length: int
    ) -> None:
        """If this fails, check what is believed of a blob that no digest covers: its length, its chunks, their order.

        Each is written again, which mends it.
        """
        dice = random.Random(7)  # noqa: S311 -- not a secret
        contents = {storage.write_blob([noise(size)]).digest: noise(size) for size in SIZES}
        silent, done = [], 0
        for name, damage in islice(cycle(damages.items()), 100 * length):
            digest, other = dice.sample(sorted(contents), 2)
            if damage(place, digest, other, dice) is False:
                continue
            done += 1
            if not is_reported(storage, digest):
                silent.append(f"{name} of a blob of {len(contents[digest])} bytes")
            for one in (digest, other):
                storage.write_blob([contents[one]])
        assert (silent, _unreadable(storage, contents)) == ([], [])
        assert done >= 50 * length

    def test_every_edit_of_a_record_is_reported(
        self, open_storage: OpenStorage, edits: Mapping[str, Edit], tmp_path: Path
    ) -> None:
        """If this fails, check that a checksum covers the key, the revision and the body of a record."""
        silent = []
        for number, (name, edit) in enumerate(edits.items()):
            place = Place(f"edited{number}", tmp_path / str(number))
            with open_storage(place) as storage:
                storage.put_record("a", {"n": 1, "m": "x"}, None)
                storage.put_record("b", {"n": 1, "m": "x"}, None)
                edit(place)
                silent += [name for way in WAYS if not _is_refused(storage, way)]
        assert silent == []


def is_reported(storage: StorageBackend, digest: str) -> bool:
    """Whether the whole of a damaged blob cannot be read in any way, and what says so."""
    caught = [_is_caught(storage, digest, way) for way in (_read_whole, _read_pieces)]
    return all(caught) and _local_is_right(storage, digest)


def _read_whole(storage: StorageBackend, digest: str) -> None:
    with storage.open_blob(digest) as file:
        file.read()


def _read_pieces(storage: StorageBackend, digest: str) -> None:
    with storage.open_blob(digest) as file:
        while file.read(300_000):
            pass


def _is_caught(storage: StorageBackend, digest: str, way: Callable[[StorageBackend, str], None]) -> bool:
    try:
        way(storage, digest)
    except CorruptBlobError:
        return True
    return False


def _is_refused(storage: StorageBackend, way: Callable[[StorageBackend], object]) -> bool:
    try:
        way(storage)
    except CorruptRecordError:
        return True
    return False


def _local_is_right(storage: StorageBackend, digest: str) -> bool:
    """Whether a file that is handed out is right, although what belongs to it is not."""
    if not isinstance(storage, SupportsLocalPath):
        return True
    try:
        return digest_of(storage.local_path(digest).read_bytes()) == digest
    except CorruptBlobError:
        return True


def _unreadable(storage: StorageBackend, contents: Mapping[str, bytes]) -> list[str]:
    """The blobs that were not mended."""
    return [
        digest
        for digest, content in contents.items()
        if is_reported(storage, digest) or not _has(storage, digest, content)
    ]


def _has(storage: StorageBackend, digest: str, content: bytes) -> bool:
    with storage.open_blob(digest) as file:
        return file.read() == content

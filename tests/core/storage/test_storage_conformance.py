"""The storages that come with the core keep the contract; what each cannot promise is named."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from typing import TYPE_CHECKING, ClassVar

import pytest

from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.memory import MemoryOptions, MemoryStorage
from omcore.testing.storage import StorageConformance

if TYPE_CHECKING:
    from omcore.storage.backend import Place
    from omcore.testing.storage import OpenStorage


class TestEmbeddedStorage(StorageConformance):
    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        return lambda place: EmbeddedStorage(EmbeddedOptions(), place)

    def damage_blob(self, place: Place, digest: str, position: int) -> None:
        with (place.home / "store" / "blobs" / digest[:2] / digest).open("r+b") as file:
            file.seek(position)
            (byte,) = file.read(1)
            file.seek(position)
            file.write(bytes([byte ^ 0x10]))

    def damage_record(self, place: Place, key: str) -> None:
        with contextlib.closing(sqlite3.connect(place.home / "store" / "records.sqlite")) as connection, connection:
            connection.execute("UPDATE record SET body = json_set(body, '$.a', 2) WHERE key = ?", (key,))


class TestMemoryStorage(StorageConformance):
    known_gaps: ClassVar = {
        "test_pieces_are_not_held_together_in_memory": "memory is where this storage keeps them",
        "test_a_ranged_read_verifies_what_it_touches_and_no_more": "a content in memory is verified as a whole",
        "test_a_forked_child_has_a_connection_of_its_own": "a child has a copy of the memory, and nothing shared",
        "test_a_damaged_record_is_not_returned": "records in memory have no checksum: nobody outside can change them",
    }

    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        return lambda place: MemoryStorage(MemoryOptions(name=str(place.home)), place)

    def damage_blob(self, place: Place, digest: str, position: int) -> None:
        with MemoryStorage(MemoryOptions(name=str(place.home)), place) as storage:
            blob = storage._space.blobs[digest]
            damaged = bytearray(blob.content)
            damaged[position] ^= 0x10
            storage._space.blobs[digest] = dataclasses.replace(blob, content=bytes(damaged))

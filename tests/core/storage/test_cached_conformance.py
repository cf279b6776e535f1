"""A storage with a cache in front keeps the contract: with room, with hardly any, and where nothing can be kept."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from omcore.storage.cached import cached
from omcore.testing.storage import StorageConformance
from omcore.testing.storage.ages import AgePromises
from omcore.testing.storage.blobs import BlobPromises
from omcore.testing.storage.damage import DamagePromises
from omcore.testing.storage.fixtures import StorageKit
from tests.core.storage.far import far, flip

if TYPE_CHECKING:
    from omcore.storage.backend import Place, StorageBackend
    from omcore.testing.storage import OpenStorage


class Cached(StorageKit):
    limit = 1 << 30

    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        return self.opened

    def opened(self, place: Place) -> StorageBackend:
        return cached(far(place), place.home / "cache", self.limit)

    def damage_blob(self, place: Place, digest: str, position: int) -> None:
        flip(place.home / "store" / "blobs" / digest[:2] / digest, position)

    def damage_record(self, place: Place, key: str) -> None:
        with contextlib.closing(sqlite3.connect(place.home / "store" / "records.sqlite")) as connection, connection:
            connection.execute("UPDATE record SET body = json_set(body, '$.a', 2) WHERE key = ?", (key,))


class TestWithRoom(Cached, StorageConformance):
    pass


class TestBlobsWithHardlyAnyRoom(Cached, BlobPromises, AgePromises, DamagePromises):
    limit = 1 << 20


class TestBlobsWhereNothingCanBeKept(Cached, BlobPromises, AgePromises, DamagePromises):
    def opened(self, place: Place) -> StorageBackend:
        storage = super().opened(place)
        (place.home / "cache").touch()  # no folder, so nobody, not even root, can write into it
        return storage

"""The storage keeps the contract."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from acme_onefile.storage import OneFileOptions, OneFileStorage

from omcore.storage.backend import CHUNK_SIZE
from omcore.testing.storage import StorageConformance

if TYPE_CHECKING:
    from omcore.storage.backend import Place
    from omcore.testing.storage import OpenStorage


class TestOneFileStorage(StorageConformance):
    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        return lambda place: OneFileStorage(OneFileOptions(), place)

    def damage_blob(self, place: Place, digest: str, position: int) -> None:
        number, at = divmod(position, CHUNK_SIZE)
        where = "WHERE owner = ? AND number = ?"
        with closing(sqlite3.connect(place.home / "store.sqlite")) as connection, connection:
            (content,) = connection.execute(f"SELECT content FROM piece {where}", (digest, number)).fetchone()
            damaged = bytearray(content)
            damaged[at] ^= 1
            connection.execute(f"UPDATE piece SET content = ? {where}", (bytes(damaged), digest, number))

    def damage_record(self, place: Place, key: str) -> None:
        with closing(sqlite3.connect(place.home / "store.sqlite")) as connection, connection:
            connection.execute("UPDATE record SET body = json_set(body, '$.a', 2) WHERE key = ?", (key,))

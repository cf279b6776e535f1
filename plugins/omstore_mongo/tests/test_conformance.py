"""Everything that a storage promises, on a replica set with users and on a single server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.storage.backend import CHUNK_SIZE
from omcore.testing.storage import StorageConformance
from tests.services.mongod import PASSWORD

from .opening import DATABASE, open_mongo, space_of

if TYPE_CHECKING:
    from omcore.storage.backend import Place
    from omcore.testing.storage import OpenStorage
    from tests.services.mongod import Mongod


class MongoConformance(StorageConformance):
    secrets = (PASSWORD,)

    @pytest.fixture
    def open_storage(self, mongod: Mongod) -> OpenStorage:
        return lambda place: open_mongo(mongod, place)

    @pytest.fixture(autouse=True)
    def _server(self, mongod: Mongod) -> None:
        self._mongod = mongod

    def damage_blob(self, place: Place, digest: str, position: int) -> None:
        with self._mongod.client() as client:
            database = client[DATABASE]
            found = database["omcore.blobs"].find_one({"_id": digest})
            assert found is not None
            if found["data"] is not None:
                database["omcore.blobs"].update_one(
                    {"_id": digest}, {"$set": {"data": flipped(found["data"], position)}}
                )
                return
            number, position = divmod(position, CHUNK_SIZE)
            chunk = {"upload": found["upload"], "n": number}
            data = database["omcore.chunks"].find_one(chunk)
            assert data is not None
            database["omcore.chunks"].update_one(chunk, {"$set": {"data": flipped(data["data"], position)}})

    def damage_record(self, place: Place, key: str) -> None:
        with self._mongod.client() as client:
            records = client[DATABASE][f"omcore.{space_of(place)}.records"]
            assert records.update_one({"_id": key}, {"$set": {"body.a": "2"}}).matched_count


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0x10
    return bytes(changed)


class TestReplicaSet(MongoConformance):
    @pytest.fixture
    def mongod(self, replica_set: Mongod) -> Mongod:
        return replica_set


class TestStandalone(MongoConformance):
    @pytest.fixture
    def mongod(self, standalone: Mongod) -> Mongod:
        return standalone

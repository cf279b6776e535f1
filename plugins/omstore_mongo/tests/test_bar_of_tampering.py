"""S7: whatever is flipped, cut, swapped, removed or edited in the database is reported and never returned."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from bson import ObjectId

from omcore.errors import BlobNotFoundError
from omcore.storage.backend import CHUNK_SIZE
from omcore.testing.storage.blobs import noise
from omcore.testing.storage.tampering import TamperBar
from omstore_mongo.storage import MongoStorage

from .opening import DATABASE, open_mongo, options_of, space_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping

    from pymongo.database import Database

    from omcore.storage.backend import Place
    from omcore.testing.storage.fixtures import OpenStorage
    from omcore.testing.storage.tampering import Damage, Edit
    from tests.services.mongod import Mongod

    Change = Callable[[bytes, random.Random], object]
    Documents = Database[dict[str, Any]]
    Tampering = Callable[[Documents, str, str, random.Random], object]


class Believing(MongoStorage):
    """Returns what there is."""

    def open_blob(self, digest: str) -> BinaryIO:
        found = self._blobs.document(digest)
        return io.BytesIO(found["data"]) if found["data"] else super().open_blob(digest)


def flip(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def lengthen(data: bytes, dice: random.Random) -> bytes:
    return data + dice.randbytes(dice.choice((1, CHUNK_SIZE)))


def turn(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(1, len(data))
    return data[at:] + data[:at]


CHANGES: Mapping[str, Change] = {
    "flip": flip,
    "cut": cut,
    "lengthen": lengthen,
    "turn": turn,
    "empty": lambda data, dice: b"",
    "text": lambda data, dice: "text",
    "null": lambda data, dice: None,
}
"""What can become of bytes."""


def in_content(database: Documents, change: Change, digest: str, dice: random.Random) -> object:
    """Change the content, or one chunk of it."""
    blob = database["omcore.blobs"].find_one({"_id": digest})
    assert blob is not None
    if blob["data"] is not None:
        collection, found, field = database["omcore.blobs"], blob, "data"
    else:
        chunks = [*database["omcore.chunks"].find({"upload": blob["upload"]})]
        collection, found, field = database["omcore.chunks"], dice.choice(chunks), "data"
    changed = change(found[field], dice)
    collection.update_one({"_id": found["_id"]}, {"$set": {field: changed}})
    return changed != found[field]


def in_digests(database: Documents, change: Change, digest: str, dice: random.Random) -> object:
    """Change the digests of the chunks."""
    blob = database["omcore.blobs"].find_one({"_id": digest})
    assert blob is not None
    if blob["digests"] is None:
        return False
    changed = change(blob["digests"], dice)
    database["omcore.blobs"].update_one({"_id": digest}, {"$set": {"digests": changed}})
    return changed != blob["digests"]


def lose_chunk(database: Documents, digest: str, other: str, dice: random.Random) -> object:
    blob = database["omcore.blobs"].find_one({"_id": digest})
    assert blob is not None
    if blob["upload"] is None:
        return False
    chunks = [*database["omcore.chunks"].find({"upload": blob["upload"]}, {"_id": 1})]
    return database["omcore.chunks"].delete_one({"_id": dice.choice(chunks)["_id"]})


def swap_chunks(database: Documents, digest: str, other: str, dice: random.Random) -> object:
    blob = database["omcore.blobs"].find_one({"_id": digest})
    assert blob is not None
    chunks = [*database["omcore.chunks"].find({"upload": blob["upload"]}, {"n": 1})] if blob["upload"] else []
    if len(chunks) < 2:
        return False
    one, two = dice.sample(chunks, 2)
    database["omcore.chunks"].update_one({"_id": one["_id"]}, {"$set": {"n": two["n"]}})
    return database["omcore.chunks"].update_one({"_id": two["_id"]}, {"$set": {"n": one["n"]}})


def repeat_chunk(database: Documents, digest: str, other: str, dice: random.Random) -> object:
    """Put the chunk of another number in the place of the last."""
    blob = database["omcore.blobs"].find_one({"_id": digest})
    assert blob is not None
    chunks = [*database["omcore.chunks"].find({"upload": blob["upload"]}, sort=[("n", 1)])] if blob["upload"] else []
    if len(chunks) < 2:
        return False
    return database["omcore.chunks"].update_one({"_id": chunks[-1]["_id"]}, {"$set": {"data": chunks[0]["data"]}})


def take_the_other(*fields: str) -> Tampering:
    """Let a blob have what the document of another says."""

    def take(database: Documents, digest: str, other: str, dice: random.Random) -> object:
        found = database["omcore.blobs"].find_one({"_id": other})
        assert found is not None
        mine = database["omcore.blobs"].find_one({"_id": digest})
        assert mine is not None
        database["omcore.blobs"].update_one({"_id": digest}, {"$set": {field: found[field] for field in fields}})
        return any(mine[field] != found[field] for field in fields)

    return take


def set_field(field: str, value: object) -> Tampering:
    def set_it(database: Documents, digest: str, other: str, dice: random.Random) -> object:
        return database["omcore.blobs"].update_one({"_id": digest}, {"$set": {field: value}})

    return set_it


def unset_field(field: str) -> Tampering:
    def unset(database: Documents, digest: str, other: str, dice: random.Random) -> object:
        found = database["omcore.blobs"].find_one({"_id": digest})
        assert found is not None
        if found[field] is None:
            return False
        return database["omcore.blobs"].update_one({"_id": digest}, {"$unset": {field: True}})

    return unset


def unset_chunk_field(field: str) -> Tampering:
    def unset(database: Documents, digest: str, other: str, dice: random.Random) -> object:
        blob = database["omcore.blobs"].find_one({"_id": digest})
        assert blob is not None
        if blob["upload"] is None:
            return False
        return database["omcore.chunks"].update_one({"upload": blob["upload"]}, {"$unset": {field: True}})

    return unset


def changing(where: Callable[..., object], change: Change) -> Tampering:
    return lambda database, digest, other, dice: where(database, change, digest, dice)


SABOTAGE: Mapping[str, Tampering] = {
    **{f"{name} the content": changing(in_content, change) for name, change in CHANGES.items()},
    **{f"{name} the digests": changing(in_digests, change) for name, change in CHANGES.items()},
    "lose a chunk": lose_chunk,
    "swap two chunks": swap_chunks,
    "repeat a chunk": repeat_chunk,
    "take another's chunks": take_the_other("upload", "data"),
    "take another's digests": take_the_other("digests", "upload", "data"),
    "take another's length": take_the_other("length"),
    "be another": take_the_other("length", "upload", "data", "digests"),
    "a length that is none": set_field("length", "long"),
    "another length": set_field("length", 7),
    "chunks that are nowhere": set_field("upload", ObjectId()),
    **{f"no {field}": unset_field(field) for field in ("data", "upload", "digests", "length")},
    **{f"a chunk without {field}": unset_chunk_field(field) for field in ("data", "n", "upload")},
}

EDITS: Mapping[str, dict[str, Any] | list[dict[str, Any]]] = {
    "another value": {"$set": {"body.n": "2"}},
    "another text of the same value": {"$set": {"body.n": "1.0"}},
    "no json": {"$set": {"body.n": "no json"}},
    "a number": {"$set": {"body.n": 1}},
    "a document": {"$set": {"body.n": {"$gt": 0}}},
    "one more field": {"$set": {"body.o": "1"}},
    "one field less": {"$unset": {"body.n": True}},
    "fields in another order": [{"$set": {"body": {"$literal": {"m": '"x"', "n": "1"}}}}],
    "no body": {"$unset": {"body": True}},
    "a body that is none": {"$set": {"body": "text"}},
    "another revision": {"$set": {"revision": "mine"}},
    "a revision that is none": {"$set": {"revision": 1}},
    "another checksum": {"$set": {"checksum": b"\0" * 16}},
    "a checksum that is text": {"$set": {"checksum": "text"}},
    "no checksum": {"$unset": {"checksum": True}},
    "a next that is none": {"$set": {"next": 1}},
    "a next without a commit": {"$set": {"next": {}}},
}


class MongoTampering(TamperBar):
    @pytest.fixture
    def server(self, standalone: Mongod) -> Mongod:
        """What documents say is the same wherever they are."""
        return standalone

    @pytest.fixture
    def database(self, server: Mongod) -> Iterator[Documents]:
        with server.client() as client:
            yield client[DATABASE]

    @pytest.fixture
    def open_storage(self, server: Mongod) -> OpenStorage:
        return lambda place: open_mongo(server, place)

    @pytest.fixture
    def open_believing(self, server: Mongod) -> OpenStorage:
        return lambda place: Believing(options_of(server, place), place)

    @pytest.fixture
    def damages(self, database: Documents) -> Mapping[str, Damage]:
        def damage(name: str) -> Damage:
            return lambda place, digest, other, dice: SABOTAGE[name](database, digest, other, dice)

        return {name: damage(name) for name in SABOTAGE}

    @pytest.fixture
    def edits(self, database: Documents) -> Mapping[str, Edit]:
        def edit(name: str) -> Edit:
            return lambda place: records(database, place).update_one({"_id": "a"}, EDITS[name])

        def take_anothers(place: Place) -> None:
            found = records(database, place).find_one({"_id": "b"}, {"_id": 0})
            assert found is not None
            records(database, place).replace_one({"_id": "a"}, found)

        return {**{name: edit(name) for name in EDITS}, "all of another's": take_anothers}


def records(database: Documents, place: Place) -> Any:
    return database[f"omcore.{space_of(place)}.records"]


class TestTampering(MongoTampering):
    def test_a_blob_that_is_deleted_behind_our_back_is_reported_as_missing(
        self, storage: MongoStorage, database: Documents
    ) -> None:
        for size in (100, 2 * CHUNK_SIZE):
            digest = storage.write_blob([noise(size)]).digest
            with storage.open_blob(digest) as opened:
                blob = database["omcore.blobs"].find_one_and_delete({"_id": digest})
                assert blob is not None
                database["omcore.chunks"].delete_many({"upload": blob["upload"]})
                with pytest.raises(BlobNotFoundError, match=digest):
                    storage.open_blob(digest)
                if blob["upload"] is not None:
                    with pytest.raises(BlobNotFoundError, match=digest):
                        opened.read()
            assert not storage.has_blob(digest)

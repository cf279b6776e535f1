"""Collections are read and written to the end though the server is lost meanwhile."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from bson import Binary, Decimal128, ObjectId, decode, encode
from bson.raw_bson import RawBSONDocument

from omcore.errors import StorageUnavailableError
from omstore_mongo.native import CollectionName, NativeCollections
from omstore_mongo.pages import after, split

from .natives import DATA, collections_of, opened
from .opening import DATABASE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.services.mongod import Mongod

IDS: list[Any] = [
    *(None, float("nan"), float("-inf"), *range(200), 200.5, Decimal128("201")),
    *(f"text {number:03}" for number in range(200)),
    *({"a": number} for number in range(3)),
    *(Binary(b"x"), Binary(uuid.UUID(int=1).bytes, 4), ObjectId("0" * 24), ObjectId("1" * 24), False, True),
    *(dt.datetime(2024, 1, day, tzinfo=dt.UTC) for day in range(1, 30)),
]
"""One document for each, in the order of the server."""


@pytest.fixture
def native(fragile: Mongod, tmp_path: Path) -> Iterator[NativeCollections]:
    with opened(fragile, tmp_path) as storage:
        found = storage.native(NativeCollections)
        assert found is not None
        yield found


def kill(server: Mongod) -> None:
    server.kill()
    server.start()


def forget_cursors(server: Mongod) -> None:
    with server.client() as client:
        client.admin.command("killAllSessions", [])


def filled(server: Mongod) -> list[bytes]:
    """What the server says is in the collection, in order."""
    with server.client(w="majority", journal=True) as client:  # what is written outlives a server that is killed
        client[DATA]["mixed"].drop()
        client[DATA]["mixed"].insert_many({"_id": each, "n": n} for n, each in enumerate(reversed(IDS)))
        return split(b"".join([*client[DATA]["mixed"].find_raw_batches(sort=[("_id", 1)])]))


def test_what_comes_after_an_id_is_all_that_the_server_sorts_there(standalone: Mongod) -> None:
    whole = filled(standalone)
    assert len(whole) == len(IDS)
    with standalone.client() as client:
        for place, last in enumerate(whole):
            query = after(last)
            assert query is not None
            found = client[DATA]["mixed"].find_raw_batches(query, sort=[("_id", 1)])
            assert split(b"".join([*found])) == whole[place + 1 :]
    assert after(encode({"n": 1})) is None


@pytest.mark.parametrize("lose", [kill, forget_cursors])
def test_reading_goes_on_where_it_was(
    fragile: Mongod, native: NativeCollections, lose: Callable[[Mongod], None]
) -> None:
    whole = filled(fragile)
    reading = native.read(CollectionName(DATA, "mixed"), {"n": {"$gte": 5}})
    begun = next(reading)
    lose(fragile)
    chosen = [each for each in whole if decode(each)["n"] >= 5]
    assert 0 < len(split(begun)) < len(chosen)
    assert split(begun + b"".join(reading)) == chosen


def test_a_view_is_not_read_on_since_its_ids_may_be_the_same(fragile: Mongod, native: NativeCollections) -> None:
    filled(fragile)
    with fragile.client() as client:
        client[DATA]["view"].drop()
        client[DATA].command("create", "view", viewOn="mixed", pipeline=[{"$set": {"_id": 1}}])
    reading = native.read(CollectionName(DATA, "view"))
    next(reading)
    forget_cursors(fragile)
    with pytest.raises(StorageUnavailableError, match="read it again"):
        list(reading)


def test_documents_are_kept_whole_though_the_server_is_lost_or_an_answer_is(
    fragile: Mongod, native: NativeCollections
) -> None:
    rows = [[encode({"_id": 10 * block + row}) for row in range(10)] for block in range(4)]
    identifier = str(ObjectId())

    def batches() -> Iterator[list[bytes]]:
        for number, batch in enumerate(rows):
            if number == 1:
                kill(fragile)
            if number == 2:  # a message that was carried out, and whose answer was lost
                with fragile.client(w="majority", journal=True) as client:
                    names = client[DATABASE].list_collection_names(filter={"name": {"$regex": "arriving"}})
                    client[DATABASE][names[0]].insert_many(map(RawBSONDocument, batch[:7]))
            yield batch

    native.keep(identifier, batches())
    native.keep(identifier, iter(rows[:1]))
    assert split(b"".join(native.read(native.documents(identifier)))) == [each for batch in rows for each in batch]
    assert not [name for name in collections_of(fragile) if "arriving" in name]

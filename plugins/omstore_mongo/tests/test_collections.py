"""A collection that other programs fill is a dataset: live, read by the server, and never copied."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from bson import ObjectId
from pydantic import SecretStr
from pymongo import MongoClient

from omcore.errors import (
    ColumnNotFoundError,
    InvalidArgumentError,
    InvalidFilterError,
    MigrationRefusedError,
    OmError,
    StorageError,
    StorageUnavailableError,
    UnsupportedTypeError,
)
from omcore.migration.plan import make_plan
from omcore.migration.sides import Side
from omcore.promotion.promote import promote
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage
from omstore_mongo.liveframes import BATCH
from omstore_mongo.options import MongoOptions
from omstore_mongo.storage import MongoStorage
from tests.core.promotion.world import Log
from tests.services.mongod import PASSWORD, USER

from .natives import DATA, datasets, opened
from .opening import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.objects.store import ObjectStore
    from tests.services.mongod import Mongod

KEY = ObjectId()
WHEN = dt.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
ORDERS: list[dict[str, Any]] = [
    {"_id": 1, "item": "tea", "price": 2.5, "n": 3, "at": WHEN, "lines": [{"sku": "a"}], "paid": True, "key": KEY},
    {"_id": 2, "item": "mug", "price": 8, "n": None, "at": WHEN, "lines": [], "paid": False},
    {"_id": 3, "item": None, "price": 0.5, "at": WHEN, "lines": None, "paid": True, "note": {"by": "Ann", "stars": 5}},
]


@pytest.fixture
def storage(server: Mongod, tmp_path: Path) -> Iterator[MongoStorage]:
    with opened(server, tmp_path / "a") as found:
        yield found


@pytest.fixture
def store(storage: MongoStorage) -> ObjectStore:
    return datasets(storage)


@pytest.fixture
def client(server: Mongod) -> Iterator[MongoClient[dict[str, Any]]]:
    with server.client() as found:
        found[DATA]["orders"].drop()
        found[DATA]["orders"].insert_many(ORDERS)
        yield found


def test_every_field_is_a_column_and_every_value_what_it_was(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    store.put(client[DATA]["orders"], "orders")
    frame = store.get("orders")
    assert list(frame.columns) == ["_id", "item", "price", "n", "at", "lines", "paid", "key", "note"]
    assert frame["_id"].tolist() == [1, 2, 3]
    assert frame["price"].tolist() == [2.5, 8.0, 0.5]
    assert frame["n"].dtype == "Int64"
    assert frame["n"].isna().tolist() == [False, True, True]
    assert frame["at"].tolist() == [pd.Timestamp(WHEN)] * 3
    assert frame["lines"].tolist() == [[{"sku": "a"}], [], None]
    assert frame["paid"].dtype == bool
    assert frame["key"].tolist()[0] == str(KEY)
    assert frame["note"].tolist()[2] == {"by": "Ann", "stars": 5}
    store.put(frame, "snapshot")
    pd.testing.assert_frame_equal(store.get("snapshot"), frame)


def test_it_is_live_so_that_every_read_sees_what_is_there_now(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    made = store.put(client[DATA]["orders"], "orders")
    assert made.schema == {"live": True, "database": DATA, "collection": "orders"}
    assert (made.rows, made.size, made.kind) == (None, 0, "mongo.collection")
    lazy = store.getl("orders")[["item", "new"]]
    client[DATA]["orders"].insert_one({"_id": 4, "item": "pot", "new": 1})
    assert lazy.get()["item"].tolist()[3] == "pot"
    assert lazy.filter(new__gte=1).get()["item"].tolist() == ["pot"]
    assert store.list() == ["orders"]
    assert store.get("orders", version=1)["_id"].tolist() == [1, 2, 3, 4]


def test_filters_and_projections_are_done_by_the_server(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    store.put(client[DATA]["orders"], "orders")
    pd.testing.assert_frame_equal(
        store.get("orders[item,price]", price__gt=1), pd.DataFrame({"item": ["tea", "mug"], "price": [2.5, 8.0]})
    )
    assert store.get("orders", columns=["note.by"], filter={"note.stars__gte": 5})["note.by"].tolist() == ["Ann"]
    assert store.get("orders[_id]", at__gte="2024-01-02", item__isnull=True)["_id"].tolist() == [3]
    assert store.get("orders[item]", price__gt=100).columns.tolist() == ["item"]


def test_a_field_that_no_document_has_is_refused_with_the_near_match(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    store.put(client[DATA]["orders"], "orders")
    with pytest.raises(ColumnNotFoundError, match=r"has a field 'prize'.*did you mean 'price'"):
        store.get("orders[prize]")
    with pytest.raises(ColumnNotFoundError, match="'prize'"):
        store.get("orders", prize__gt=1)
    client[DATA].drop_collection("empty")
    client[DATA].create_collection("empty")
    store.put(client[DATA]["empty"], "empty")
    assert store.get("empty[x]", y__gt=1).columns.tolist() == ["x"]
    assert len(store.get("empty")) == 0


def test_what_the_first_documents_have_is_a_column_also_where_the_chosen_have_it_not(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    store.put(client[DATA]["orders"], "orders")
    columns = ["_id", "item", "price", "n", "at", "lines", "paid", "key", "note"]
    for asked in ({"price__gt": 1000}, {"price__gt": 5}, {"_id__gte": 3}):
        assert store.get("orders", filter=asked).columns.tolist() == columns
        assert [list(batch) for batch in store.getl("orders").filter(asked).batches()] == [columns]


def test_a_collection_that_is_gone_is_an_error_and_no_empty_frame(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    store.put(client[DATA]["orders"], "orders")
    client[DATA]["orders"].drop()
    for asked in ({}, {"columns": ["item"]}, {"filter": {"price__gt": 1}}):
        with pytest.raises(StorageError, match=r"'depot\.orders', which is not there; restore it"):
            store.get("orders", **asked)


def test_a_field_with_a_dot_in_its_name_is_refused_by_that_reason(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    client[DATA]["weird"].drop()
    client[DATA]["weird"].insert_one({"_id": 1, "x.y": 2})
    store.put(client[DATA]["weird"], "weird")
    assert store.get("weird")["x.y"].tolist() == [2]
    for asked in ({"columns": ["x.y"]}, {"filter": {"x.y__gt": 1}}):
        with pytest.raises(ColumnNotFoundError, match=r"a field with a '\.' in its name cannot be selected"):
            store.get("weird", **asked)


def test_many_documents_come_some_at_a_time(store: ObjectStore, client: MongoClient[dict[str, Any]]) -> None:
    client[DATA]["many"].drop()
    client[DATA]["many"].insert_many({"_id": number} for number in range(BATCH + 5))
    store.put(client[DATA]["many"], "many")
    batches = list(store.getl("many").batches())
    assert [len(batch) for batch in batches] == [BATCH, 5]
    pd.testing.assert_frame_equal(pd.concat(batches), store.get("many"))


def test_nothing_that_is_stored_says_how_to_get_in(
    store: ObjectStore, storage: MongoStorage, client: MongoClient[dict[str, Any]], server: Mongod
) -> None:
    store.put(client[DATA]["orders"], "orders")
    stored = json.dumps([record.body for record in storage.scan_records("")])
    assert "orders" in stored
    for secret in (PASSWORD, USER, str(server.port), "mongodb://", "tea"):
        assert secret not in stored


def test_a_collection_of_another_server_is_refused_however_it_is_called(
    store: ObjectStore, replica_set: Mongod, standalone: Mongod, server: Mongod
) -> None:
    other = standalone if server is replica_set else replica_set
    with other.client() as client:
        client[DATA]["orders"].insert_one({"x": 1})
        with pytest.raises(UnsupportedTypeError, match=r"'depot\.orders' is on another server than") as caught:
            store.put(client[DATA]["orders"], "orders")
    assert PASSWORD not in str(caught.value)
    assert not store.exists("orders")


def test_a_collection_whose_server_does_not_answer_is_refused_in_a_sentence(store: ObjectStore) -> None:
    refused = pytest.raises(StorageUnavailableError, match="the server of the collection cannot be reached")
    with MongoClient[dict[str, Any]]("mongodb://127.0.0.1:1", serverSelectionTimeoutMS=100) as nowhere, refused:
        store.put(nowhere[DATA]["orders"], "orders")


def test_another_storage_than_mongo_takes_no_collection(client: MongoClient[dict[str, Any]], tmp_path: Path) -> None:
    elsewhere = datasets(MemoryStorage(MemoryOptions(), Place("dev", tmp_path)))
    with pytest.raises(UnsupportedTypeError, match="where the storage is MongoDB"):
        elsewhere.put(client[DATA]["orders"], "orders")


def test_a_migration_elsewhere_names_live_collections_also_dropped_ones_and_goes_without_them(
    store: ObjectStore, client: MongoClient[dict[str, Any]], tmp_path: Path
) -> None:
    store.put(pd.DataFrame({"x": [1]}), "frame")
    for name in ("live", "dropped"):
        store.put(client[DATA]["orders"], name)
    store.drop("dropped")
    elsewhere = datasets(MemoryStorage(MemoryOptions(), Place("new", tmp_path)), "new")
    source, target = (Side(each.context, each.storage, KeyRing(), each.codecs) for each in (store, elsewhere))
    with pytest.raises(MigrationRefusedError, match=r"2 objects .*datasets/dropped: .*datasets/live: .*--skip"):
        make_plan(source, target)
    done = make_plan(source, target, skip=["datasets/live", "datasets/dropped"]).run()
    assert (elsewhere.list(), len(done.skipped)) == (["frame"], 2)


def test_a_collection_that_is_not_there_or_not_the_users_is_refused(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"no collection 'ordres'.*did you mean 'orders'"):
        store.put(client[DATA]["ordres"], "orders")
    for mine in (client[DATABASE]["omcore.blobs"], client["admin"]["system.users"], client["local"]["oplog.rs"]):
        with pytest.raises(InvalidArgumentError, match="belongs to the server or the storage"):
            store.put(mine, "mine")
    assert store.list() == []


def test_rows_are_never_appended_and_versions_are_descriptions(
    store: ObjectStore, client: MongoClient[dict[str, Any]]
) -> None:
    store.put(client[DATA]["orders"], "orders")
    with pytest.raises(UnsupportedTypeError, match="cannot be appended to"):
        store.put(client[DATA]["orders"], "orders", append=True)
    with pytest.raises(UnsupportedTypeError, match=r"is 'mongo\.collection'"):
        store.put(pd.DataFrame({"x": [1]}), "orders", append=True)
    store.put(pd.DataFrame({"x": [1]}), "orders")
    assert store.get("orders", version=1)["_id"].tolist() == [1, 2, 3]
    store.drop("orders")
    assert client[DATA]["orders"].count_documents({}) == 3


def test_a_promotion_on_one_server_is_free_and_to_another_is_refused(
    store: ObjectStore,
    client: MongoClient[dict[str, Any]],
    replica_set: Mongod,
    standalone: Mongod,
    server: Mongod,
    tmp_path: Path,
) -> None:
    store.put(client[DATA]["orders"], "orders")
    with opened(server, tmp_path / "b") as near:
        promote(store, "orders", datasets(near, "prod"), [], events=Log())
        assert datasets(near, "prod").get("orders")["_id"].tolist() == [1, 2, 3]
    with opened(standalone if server is replica_set else replica_set, tmp_path / "c") as far:
        for dry_run in (True, False):
            with pytest.raises(
                UnsupportedTypeError, match=r"'depot\.orders', which is not on the server of the target"
            ):
                promote(store, "orders", datasets(far, "prod"), [], events=Log(), dry_run=dry_run)


def test_who_may_not_read_it_is_told_so(replica_set: Mongod, tmp_path: Path) -> None:
    with replica_set.client() as client:
        client[DATA]["secret"].insert_one({"x": 1})
        name = f"guest{uuid.uuid4().hex}"
        client["admin"].command("createUser", name, pwd="guest", roles=[{"role": "readWrite", "db": DATABASE}])
        url = f"mongodb://{name}:guest@127.0.0.1:{replica_set.port}/?authSource=admin&replicaSet=rs"
        options = MongoOptions(url=SecretStr(url), database=DATABASE)
        refused = pytest.raises(OmError, match="does not allow this user")
        with MongoStorage(options, Place("guest", tmp_path)) as storage, refused:
            datasets(storage).put(client[DATA]["secret"], "secret")


@pytest.mark.parametrize("column", ["$where", "a.$b", "$expr", ".a", "a..b", "", "a\0"])
def test_a_name_that_can_be_no_field_is_refused(
    store: ObjectStore, client: MongoClient[dict[str, Any]], column: str
) -> None:
    store.put(client[DATA]["orders"], "orders")
    with pytest.raises(InvalidFilterError):
        store.get("orders", filter={f"{column}__eq": 1})
    with pytest.raises(OmError):
        store.get("orders", columns=[column])

"""Frames are kept as documents that other programs can query, and come back as they were."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from bson import Decimal128
from hypothesis import given, settings
from hypothesis import strategies as st

from omcore.errors import (
    ColumnNotFoundError,
    CorruptBlobError,
    InvalidArgumentError,
    UnsupportedTypeError,
)
from omcore.migration.plan import make_plan
from omcore.migration.sides import Side
from omcore.objects.codecs.memory import MemorySink
from omcore.promotion.promote import promote
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.cached import cached
from omcore.storage.gc import GRACE, collect
from omcore.storage.memory import MemoryOptions, MemoryStorage
from omstore_mongo.documentreader import BLOCK
from omstore_mongo.documents import DocumentsCodec
from omstore_mongo.native import NativeCollections
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.support import same_frame
from tests.core.codecs.test_any_frame_comes_back import KINDS
from tests.core.promotion.world import Log

from .natives import collections_of, datasets, opened, rows_of
from .opening import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.objects.store import ObjectStore
    from omstore_mongo.storage import MongoStorage
    from tests.services.mongod import Mongod

KIND = "mongo.documents"
NOW = dt.timedelta()

REFUSED = {
    "integers of every width": "'uint64'.*9223372036854775807",
    "complex": "'x'.*complex128",
    "arrow types": "'d'.*dictionary",
    "text and NA and NaT and None and NaN": "'x'.*NA, NaT",
    "huge integers": "'x'.*64 bits",
    "python datetimes": "'x'.*finer than a millisecond",
    "columns of floats": "'0.5'",
    "columns of twice the same": "'a'.*two of that name",
    "columns of odd text": "''.*is not empty",
}
"""What documents cannot keep though frames do, and what is said of it."""

NEVER_KEPT = frozenset(
    {
        *("tuples", "sets", "numpy scalars", "timestamps as objects", "aware datetimes as objects", "lone surrogates"),
        *("half pairs", "mixed and not JSON", "index of custom days", "columns of tuples"),
    }
)
"""What no kind of frame keeps."""


@pytest.fixture(scope="module")
def one(standalone: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A store for what the kind of server has no part in."""
    with opened(standalone, tmp_path_factory.mktemp("documents")) as storage:
        yield datasets(storage)


@pytest.fixture
def storage(server: Mongod, tmp_path: Path) -> Iterator[MongoStorage]:
    with opened(server, tmp_path / "a") as found:
        yield found


@pytest.fixture
def store(storage: MongoStorage) -> ObjectStore:
    return datasets(storage)


@pytest.mark.parametrize("name", sorted(frames().keys() - REFUSED.keys() - NEVER_KEPT))
def test_a_frame_comes_back_as_it_was(one: ObjectStore, name: str) -> None:
    frame = frames()[name]
    one.put(frame, "frame", kind=KIND)
    same_frame(one.get("frame"), frame)
    for batch in one.getl("frame").batches():
        pd.testing.assert_frame_equal(batch, frame, check_freq=False)


@pytest.mark.parametrize("name", REFUSED)
def test_what_documents_do_not_keep_is_refused_by_the_name_of_its_column(one: ObjectStore, name: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=f"column {REFUSED[name]}"):
        one.put(frames()[name], "refused", kind=KIND)
    assert not one.exists("refused")


@given(st.one_of(*(st.lists(kind, max_size=4) for kind in KINDS), st.lists(st.one_of(*KINDS), max_size=3)))
@settings(max_examples=30)
def test_any_column_of_objects_comes_back_or_is_refused(one: ObjectStore, cells: list[Any]) -> None:
    values = np.empty(len(cells), object)
    values[:] = [*cells, None][:-1]
    frame = pd.DataFrame({"cells": pd.Series(values, dtype=object)})
    said = ""
    try:
        one.put(frame, "any", kind=KIND)
    except UnsupportedTypeError as error:
        said = str(error)
    if not said:
        same_frame(one.get("any"), frame)
    assert not said or "'cells'" in said


def test_other_programs_find_native_values_under_the_names_of_the_columns(store: ObjectStore, server: Mongod) -> None:
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None], "Int64"),
            "when": pd.Series(["2024-01-02T03:04:05.678", None]).astype("datetime64[ms]").array,
            "tags": [["a", "b"], None],
            "at": [{"city": "Bern", "zip": 3000}, None],
            "size": pd.Categorical(["small", None]),
            "price": [decimal.Decimal("1.50"), None],
            "score": [float("nan"), 0.5],
            7: ["seven", None],
        },
        index=pd.Index(["x", "y"], name="id"),
    )
    made = store.put(frame, "sales", kind=KIND)
    same_frame(store.get("sales"), frame)
    first, second = rows_of(server, made.schema["collection"])
    assert first.pop("score") != first.get("score")
    assert first == {
        "_id": 0,
        "n": 1,
        "when": dt.datetime.fromisoformat("2024-01-02T03:04:05.678"),
        "tags": ["a", "b"],
        "at": {"city": "Bern", "zip": 3000},
        "size": "small",
        "price": Decimal128("1.50"),
        "7": "seven",
        "id": "x",
    }
    empty = dict.fromkeys(("n", "when", "tags", "at", "size", "price", "7"))
    assert second == {**empty, "_id": 1, "score": 0.5, "id": "y"}
    assert made.kind == KIND
    assert (made.rows, made.columns) == (2, ("n", "when", "tags", "at", "size", "price", "score", "7", "id"))


def test_none_and_nan_in_one_column_are_told_apart(store: ObjectStore, server: Mongod) -> None:
    cells = np.array(["text", None, np.nan], object)
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    made = store.put(frame, "cells", kind=KIND)
    same_frame(store.get("cells"), frame)
    text, none, nan = (row["x"] for row in rows_of(server, made.schema["collection"]))
    assert (text, none) == ("text", None)
    assert nan != nan
    assert list(store.get("cells", x__isnull=True).index) == [1, 2]


def test_only_the_rows_and_columns_that_are_asked_for_come(store: ObjectStore) -> None:
    frame = pd.DataFrame({"x": range(10), "y": [f"t{n}" for n in range(10)], "z": np.arange(10) / 2})
    store.put(frame, "frame", kind=KIND)
    pd.testing.assert_frame_equal(store.get("frame[z,x]", x__gt=6), frame.loc[7:, ["z", "x"]])
    pd.testing.assert_frame_equal(store.getl("frame")[["y"]].filter(y__in=["t1", "t3"]).get(), frame.loc[[1, 3], ["y"]])
    assert store.get("frame", x__gt=100).equals(frame.iloc[:0])
    assert len(store.getl("frame").filter(x__lt=3)) == 3
    with pytest.raises(ColumnNotFoundError, match="'w'"):
        store.get("frame[w]")


def test_more_rows_than_a_block_come_back_also_some_at_a_time(one: ObjectStore) -> None:
    frame = pd.DataFrame({"x": np.arange(BLOCK * 2 + 5), "y": "text"})
    one.put(frame, "large", kind=KIND)
    same_frame(one.get("large"), frame)
    batches = list(one.getl("large").batches())
    assert [len(batch) for batch in batches] == [BLOCK, BLOCK, 5]
    same_frame(pd.concat(batches), frame)
    pd.testing.assert_frame_equal(one.get("large[y]"), frame[["y"]])


def test_versions_have_collections_of_their_own_that_never_change(store: ObjectStore) -> None:
    frames = [pd.DataFrame({"x": [number]}) for number in range(3)]
    made = [store.put(frame, "v", kind=KIND).schema["collection"] for frame in frames]
    assert len(set(made)) == 3
    for number, frame in enumerate(frames, 1):
        same_frame(store.get("v", version=number), frame)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update_one({"_id": 1}, {"$set": {"x": 7}}),
        lambda rows: rows.delete_one({"_id": 2}),
        lambda rows: rows.insert_one({"_id": 3, "x": 3, "y": 3}),
        lambda rows: rows.update_one({"_id": 0}, {"$set": {"z": 0}}),
        lambda rows: rows.drop(),
    ],
    ids=["a value", "a row less", "a row more", "a field more", "all gone"],
)
def test_what_another_program_changed_is_noticed_and_never_returned(
    one: ObjectStore, standalone: Mongod, change: Any
) -> None:
    made = one.put(pd.DataFrame({"x": [0, 1, 2], "y": [0, 1, 2]}), "changed", kind=KIND)
    with standalone.client() as client:
        change(client[DATABASE][made.schema["collection"]])
    with pytest.raises(CorruptBlobError, match=r"another program has changed them|is not there; restore it"):
        one.get("changed")


@pytest.mark.parametrize("value", ["text", [1], {"a": 1}], ids=["text", "list", "document"])
@pytest.mark.parametrize("column", ["x", "when", "size", "price"])
def test_a_value_of_another_type_is_said_to_be_somebody_elses(
    one: ObjectStore, standalone: Mongod, column: str, value: Any
) -> None:
    frame = pd.DataFrame(
        {
            "id": [0, 1],
            "x": np.array([1, 2], np.int16),
            "when": pd.to_datetime(["2024-01-02", "2024-01-03"]),
            "size": pd.Categorical(["s", "m"]),
            "price": [decimal.Decimal("1.50"), None],
        }
    )
    made = one.put(frame, "retyped", kind=KIND)
    with standalone.client() as client:
        client[DATABASE][made.schema["collection"]].update_one({"_id": 0}, {"$set": {column: value}})
    for asked in ({"columns": [column]}, {"filter": {"id__gte": 0}}):
        with pytest.raises(CorruptBlobError, match="another program has changed them"):
            one.get("retyped", **asked)


def test_a_collection_that_is_gone_is_said_to_be_also_where_a_filter_chooses(
    one: ObjectStore, standalone: Mongod
) -> None:
    made = one.put(pd.DataFrame({"x": [1]}), "gone", kind=KIND)
    assert one.get("gone", x__gt=1).empty
    with standalone.client() as client:
        client[DATABASE][made.schema["collection"]].drop()
    for asked in ({}, {"filter": {"x__gt": 0}}, {"columns": ["x"]}):
        with pytest.raises(CorruptBlobError, match="is not there; restore it"):
            one.get("gone", **asked)


def test_a_key_that_a_document_cannot_have_is_said_with_the_rule(one: ObjectStore) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"no key may be empty, start with \$, or hold \. or NUL"):
        one.put(pd.DataFrame({"x": [{"a\0": 1}]}), "keys", kind=KIND)


def test_rows_cannot_be_appended_and_the_sentence_says_so(one: ObjectStore) -> None:
    frame = pd.DataFrame({"x": [1]})
    one.put(frame, "fixed", kind=KIND)
    with pytest.raises(UnsupportedTypeError, match="cannot be appended to; put the whole without append"):
        one.put(frame, "fixed", kind=KIND, append=True)
    with pytest.raises(UnsupportedTypeError, match=r"is 'mongo\.documents'"):
        one.put(frame, "fixed", append=True)


def test_another_kind_of_value_or_storage_is_refused(one: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"as 'mongo\.documents'"):
        one.put([1, 2], "list", kind=KIND)
    with pytest.raises(UnsupportedTypeError, match=r"did you mean 'mongo\.documents'"):
        one.put(pd.DataFrame(), "frame", kind="mongo.document")
    elsewhere = datasets(MemoryStorage(MemoryOptions(), Place("dev", tmp_path)))
    with pytest.raises(UnsupportedTypeError, match="need a context whose storage is MongoDB"):
        elsewhere.put(pd.DataFrame({"x": [1]}), "frame", kind=KIND)
    with pytest.raises(UnsupportedTypeError, match="in no storage at all"):
        DocumentsCodec().encode(pd.DataFrame({"x": [1]}), MemorySink())


def test_a_row_that_is_larger_than_a_document_is_refused_and_leaves_nothing(
    one: ObjectStore, standalone: Mongod
) -> None:
    before = collections_of(standalone)
    with pytest.raises(InvalidArgumentError, match="row 1 has 1700"):
        one.put(pd.DataFrame({"x": ["small", "x" * 17_000_000]}), "large row", kind=KIND)
    assert collections_of(standalone) == before


def test_a_cache_of_blobs_in_front_is_not_in_the_way(storage: MongoStorage, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": pd.Categorical(["a", "b"])})
    store = datasets(cached(storage, tmp_path / "cache", 1 << 20))
    store.put(frame, "frame", kind=KIND)
    same_frame(store.get("frame"), frame)


# --- the life of collections


def test_a_collection_goes_when_no_version_needs_it_and_the_grace_period_is_over(
    store: ObjectStore, storage: MongoStorage, server: Mongod
) -> None:
    made = store.put(pd.DataFrame({"x": [1]}), "sales", kind=KIND).schema["collection"]
    store.drop("sales")
    collect(storage, NOW)
    assert made in collections_of(server)  # a dropped object can be brought back
    store.rollback("sales")
    assert store.get("sales")["x"].tolist() == [1]
    store.drop("sales")
    forget(storage)
    collect(storage, GRACE)
    assert made in collections_of(server)
    collect(storage, NOW)
    assert made not in collections_of(server)


def test_collections_that_are_needed_survive_every_collection_of_garbage(
    store: ObjectStore, storage: MongoStorage
) -> None:
    frame = pd.DataFrame({"x": [1, 2]})
    store.put(frame, "kept", kind=KIND)
    for _ in range(3):
        assert collect(storage, NOW).deleted == 0
    same_frame(store.get("kept"), frame)


class _DiedError(Exception):
    """The writer is gone."""


def test_who_dies_while_writing_leaves_no_version_and_what_is_left_is_cleared(
    server: Mongod, storage: MongoStorage, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"x": np.arange(BLOCK + 1)})
    before = set(collections_of(server))
    native = storage.native(NativeCollections)
    assert native is not None

    def batches() -> Iterator[list[bytes]]:
        raise _DiedError
        yield []

    with monkeypatch.context() as patch:
        patch.setattr("pymongo.database.Database.drop_collection", lambda *_: None)
        with pytest.raises(_DiedError):
            native.keep("0" * 24, batches())
    unfinished = set(collections_of(server)) - before
    assert len(unfinished) == 1
    assert all(name.startswith("omcore.arriving.") for name in unfinished)
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "plan", lambda *_: (_ for _ in ()).throw(_DiedError))
        with pytest.raises(_DiedError):
            store.put(frame, "never", kind=KIND)
    assert not store.exists("never")
    collect(storage, GRACE)
    assert len(set(collections_of(server)) - before) == 2
    collect(storage, -dt.timedelta(seconds=2))
    assert set(collections_of(server)) <= before


def test_a_sweep_that_died_half_way_is_made_good_by_the_next(
    server: Mongod, store: ObjectStore, storage: MongoStorage
) -> None:
    frame = pd.DataFrame({"x": [1]})
    made = store.put(frame, "sales", kind=KIND).schema["collection"]
    with server.client() as client:
        client[DATABASE][made].rename(made.replace(".documents.", ".leaving."))
    collect(storage, NOW)
    same_frame(store.get("sales"), frame)


def forget(storage: MongoStorage) -> None:
    """Remove every version, as a purge does."""
    for record in list(storage.scan_records("")):
        storage.delete_record(record.key, record.revision)


# --- promotion


def test_a_promotion_within_a_database_copies_no_document_and_survives_the_source(
    server: Mongod, store: ObjectStore, storage: MongoStorage, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"]))
    store.put(frame, "sales", kind=KIND)
    before = collections_of(server)
    with opened(server, tmp_path / "b") as other:
        prod = datasets(other, "prod")
        promote(store, "sales", prod, [], events=Log())
        assert collections_of(server) == before
        forget(storage)
        for each in (storage, other):
            collect(each, NOW)
        same_frame(prod.get("sales"), frame)
        forget(other)
        collect(other, NOW)
        assert len(collections_of(server)) == len(before) - 1


def test_a_promotion_to_another_server_brings_the_documents(
    replica_set: Mongod, standalone: Mongod, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"x": np.arange(BLOCK + 1)})
    with opened(replica_set, tmp_path / "a") as here, opened(standalone, tmp_path / "b") as there:
        dev, prod = datasets(here), datasets(there, "prod")
        made = dev.put(frame, "sales", kind=KIND)
        promote(dev, "sales", prod, [], events=Log(), dry_run=True)
        assert made.schema["collection"] not in collections_of(standalone)
        for _ in range(2):
            promote(dev, "sales", prod, [], events=Log())
        forget(here)
        collect(here, NOW)
        same_frame(prod.get("sales"), frame)


def test_a_migration_to_another_server_brings_the_documents_of_all_versions(
    replica_set: Mongod, standalone: Mongod, tmp_path: Path
) -> None:
    frames = [pd.DataFrame({"x": [number, 7]}) for number in range(3)]
    with opened(replica_set, tmp_path / "a") as here, opened(standalone, tmp_path / "b") as there:
        dev, prod = datasets(here), datasets(there, "prod")
        for frame in frames:
            dev.put(frame, "sales", kind=KIND)
        source, target = (Side(each.context, each.storage, KeyRing(), each.codecs) for each in (dev, prod))
        make_plan(source, target).run()
        for number, frame in enumerate(frames, 1):
            same_frame(prod.get("sales", version=number), frame)


def test_a_promotion_to_another_storage_is_refused_and_says_what_to_do(one: ObjectStore, tmp_path: Path) -> None:
    one.put(pd.DataFrame({"x": [1]}), "here", kind=KIND)
    elsewhere = datasets(MemoryStorage(MemoryOptions(), Place("prod", tmp_path)), "prod")
    with pytest.raises(UnsupportedTypeError, match="store it there as a frame"):
        promote(one, "here", elsewhere, [], events=Log())
    assert elsewhere.list() == []

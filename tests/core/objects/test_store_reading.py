"""What reading from a store promises, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from omcore.errors import (
    BlobNotFoundError,
    ColumnNotFoundError,
    CorruptRecordError,
    InvalidArgumentError,
    InvalidFilterError,
    InvalidReferenceError,
    ObjectNotFoundError,
    VersionNotFoundError,
)
from omcore.objects.codecs.base import Query
from omcore.objects.filters import where
from omcore.objects.keys import head_key, version_key
from omcore.objects.references import Pin, Reference
from omcore.storage.backend import Put


@pytest.fixture
def store(shop: Any) -> Any:
    """Datasets: `sales` in three versions, `champion` the second, and a value called `count`."""
    opened = shop()
    for lines in (["a"], ["a", "b"], ["a", "b", "bc"]):
        opened.put(shop.lines(lines), "sales", {"owner": "ann", "rows": len(lines)})
    opened.tag("sales", "champion", 2)
    opened.put(3, "count")
    return opened


# --- what comes back


@pytest.mark.parametrize(
    ("reference", "version", "expected"),
    [
        ("sales", None, ["a", "b", "bc"]),
        ("sales", 1, ["a"]),
        ("sales", "champion", ["a", "b"]),
        ("sales@1", None, ["a"]),
        ("sales@champion", None, ["a", "b"]),
        ("sales[text]@1", None, ["a"]),
        ("om://test/omega/datasets/sales@1", None, ["a"]),
        (Reference("sales", 1), None, ["a"]),
    ],
)
def test_any_way_to_name_a_version_reads_it(store: Any, reference: str, version: Any, expected: list[str]) -> None:
    assert store.get(reference, version) == expected
    assert store.getl(reference, version).get() == expected
    assert store.exists(reference, version)
    assert store.metadata(reference, version).rows == len(expected)


def test_filters_come_as_keywords_as_a_dict_or_made_by_where(store: Any) -> None:
    assert store.get("sales", text="b") == ["b"]
    assert store.get("sales", text__startswith="b") == ["b", "bc"]
    assert store.get("sales", filter={"text__startswith": "b"}, not__text="b") == ["bc"]
    assert store.get("sales", filter=where(text="b")) == ["b"]
    with pytest.raises(InvalidFilterError):
        store.get("sales", text__stratswith="b")


def test_an_object_of_another_bucket_context_or_store_is_not_read_by_accident(store: Any) -> None:
    for place in ("prod/omega/datasets", "test/other/datasets", "test/omega/models"):
        with pytest.raises(InvalidReferenceError, match="is not in datasets of context 'test', bucket 'omega'"):
            store.get(f"om://{place}/sales")


def test_buckets_and_stores_of_one_storage_do_not_see_each_other(shop: Any, store: Any) -> None:
    assert shop(bucket="other").list() == []
    assert shop("models").list() == []
    shop(bucket="other").put(1, "sales")
    assert store.metadata("sales").version == 3


def test_versions_and_columns_are_named_once(store: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="give one"):
        store.get("sales@1", version=2)
    with pytest.raises(InvalidArgumentError, match="columns are named twice"):
        store.get("sales[text]", columns=["text"])
    with pytest.raises(InvalidReferenceError, match="versions count from 1"):
        store.get("sales", version=0)


def test_lists_are_sorted_and_match_patterns(shop: Any) -> None:
    store = shop()
    for name in ("b", "a/b", "a", "é1", "e2", "[x"[1:]):
        store.put(1, name)
    assert store.list() == sorted(["b", "a/b", "a", "é1", "e2", "x"])
    assert store.list("a*") == ["a", "a/b"]
    assert store.list("e\u0301?") == ["é1"]
    assert store.list("[ab]") == ["a", "b"]
    assert store.list("nothing*") == []
    assert [item.name for item in store.describe("a*")] == ["a", "a/b"]
    with pytest.raises(InvalidArgumentError, match="a pattern is text"):
        store.list("*" * 1001)


def test_metadata_of_the_current_version_is_that_of_its_record(store: Any) -> None:
    for name in ("sales", "count"):
        by_record = next(item for item in store.versions(name) if item.current)
        assert store.metadata(name) == by_record
        assert store.describe(name) == [by_record]


def test_metadata_tells_people_and_programs_what_they_need(store: Any, shop: Any) -> None:
    known = store.metadata("sales@champion")
    assert repr(known) == "<datasets/sales@2 @champion: test.lines, 2 rows, 10 bytes>"
    assert known.columns == ("text",)
    body = known.as_dict()
    assert body["aliases"] == ["champion"]
    assert body["attributes"] == {"owner": "ann", "rows": 2}
    assert (body["author"], body["context"], body["bucket"], body["current"]) == ("ann@desk", "test", "omega", False)
    assert body["signed_by"]
    assert len(body["id"]) == 64


# --- what is not there


def test_a_missing_object_is_an_error_that_offers_the_near_one(store: Any) -> None:
    for ask in (store.get, store.getl, store.metadata, store.versions, store.history, store.pin, store.drop):
        with pytest.raises(ObjectNotFoundError, match="did you mean 'sales'"):
            ask("salse")
    assert not store.exists("salse")


def test_a_missing_object_is_looked_for_in_the_other_stores(shop: Any, store: Any) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"but one in datasets; ask om\.datasets for it"):
        shop("models").get("sales")
    store.drop("sales")
    with pytest.raises(ObjectNotFoundError, match="the store is empty"):
        shop("models").get("sales")


def test_an_empty_store_says_so(shop: Any) -> None:
    with pytest.raises(ObjectNotFoundError, match="the store is empty"):
        shop().get("sales")


def test_a_dropped_object_says_when_and_how_to_bring_it_back(store: Any) -> None:
    store.drop("sales")
    with pytest.raises(ObjectNotFoundError, match=r"it was dropped on 20.*rollback\('sales'\) brings it back"):
        store.get("sales")


def test_a_missing_version_is_an_error_that_lists_what_there_is(store: Any) -> None:
    for ask in (store.get, store.getl, store.metadata, store.pin):
        with pytest.raises(VersionNotFoundError, match="has no version 9; there are versions 1 to 3"):
            ask("sales@9")
        with pytest.raises(VersionNotFoundError, match="has no alias 'champ'; did you mean 'champion'"):
            ask("sales@champ")
    assert not store.exists("sales@9")
    assert not store.exists("sales@champ")


def test_a_missing_column_is_an_error_before_a_task_is_made_of_it(store: Any) -> None:
    with pytest.raises(ColumnNotFoundError, match="'sales' has no column 'txet'; did you mean 'text'"):
        store.pin("sales[txet]")
    with pytest.raises(ColumnNotFoundError):
        store.pin("sales[txet]@1")


# --- what it costs


def test_the_metadata_or_the_pin_of_a_current_version_costs_one_read(store: Any, memory: Any) -> None:
    for ask in (store.metadata, store.pin, store.exists):
        for name in ("sales", "sales@3"):
            memory.calls.clear()
            ask(name)
            assert memory.calls == {"get_record": 1}, (ask, name)


def test_a_list_costs_one_page(store: Any, memory: Any) -> None:
    for ask in (store.list, store.describe):
        memory.calls.clear()
        ask()
        assert memory.calls == {"find_records": 1}


def test_reading_a_version_costs_two_records_and_what_was_read_before_is_not_read_again(
    store: Any, memory: Any
) -> None:
    for name, reads in (("sales", 2), ("sales", 1), ("sales@3", 1), ("sales@champion", 2), ("sales@2", 2)):
        memory.calls.clear()
        store.get(name)
        assert memory.calls["get_record"] == reads
    pin = store.pin("sales@2").pin
    for reads in (1, 0):
        memory.calls.clear()
        store.load(pin)
        assert memory.calls["get_record"] == reads
    assert not memory.calls["find_records"]


def test_nothing_is_loaded_before_a_lazy_object_is_asked(store: Any, memory: Any) -> None:
    memory.calls.clear()
    lazy = store.getl("sales")["text"].filter(text__startswith="b")
    assert (lazy.columns, lazy.rows, bool(lazy), len(store.getl("sales"))) == (("text",), 3, True, 3)
    assert not memory.calls["open_blob"]
    assert lazy.get() == ["b", "bc"]


# --- lazy objects


def test_a_lazy_object_stays_at_its_version(shop: Any, store: Any) -> None:
    lazy = store.getl("sales")
    store.put(shop.lines(["z"]), "sales")
    assert lazy.get() == ["a", "b", "bc"]
    assert lazy.metadata.version == 3


def test_lazy_filters_add_up_and_batches_come_one_by_one(shop: Any, store: Any, memory: Any) -> None:
    store.put(shop.lines(["x", "bx"]), "sales", append=True)
    lazy = store.getl("sales", text__startswith="b")
    assert len(lazy) == 3
    assert len(lazy.filter(not__text="b")) == 2
    assert len(lazy) == 3
    memory.calls.clear()
    batches = lazy.batches()
    assert next(batches) == ["b", "bc"]
    assert memory.calls["open_blob"] == 1
    assert list(batches) == [["bx"]]


def test_a_kind_that_cannot_be_read_in_pieces_comes_as_one(store: Any) -> None:
    assert list(store.getl("count").batches()) == [3]
    with pytest.raises(TypeError, match="has no rows"):
        len(store.getl("count"))


def test_a_lazy_projection_names_columns_that_there_are(store: Any) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'text'"):
        store.getl("sales")["texd"]
    with pytest.raises(InvalidArgumentError, match="a projection is"):
        store.getl("sales")[0]


# --- pins


def test_a_pin_reads_its_version_whatever_happens_to_the_name(shop: Any, store: Any) -> None:
    pinned = store.pin("sales[text]@champion")
    assert pinned.pin == Pin("datasets", "sales", 2, store.metadata("sales@2").id, ("text",))
    assert pinned.attributes == {"owner": "ann", "rows": 2}
    assert pinned.kind == "test.lines"
    store.put(shop.lines([]), "sales")
    store.drop("sales")
    assert store.load(pinned.pin) == ["a", "b"]
    assert store.load(pinned.pin, Query(filter=where(text="b"))) == ["b"]


def test_a_pin_is_not_satisfied_by_another_version_of_that_number(shop: Any, store: Any) -> None:
    pin = store.pin("sales").pin
    with pytest.raises(CorruptRecordError, match="is not the version that was pinned"):
        store.load(Pin("datasets", "sales", 3, "0" * 64))
    with pytest.raises(VersionNotFoundError, match="is not there any more"):
        store.load(Pin("datasets", "sales", 4, pin.id))
    with pytest.raises(InvalidArgumentError, match=r"ask om\.datasets for it"):
        shop("models").load(pin)


# --- what was altered or collected


@pytest.mark.parametrize("field", ["kind", "parts", "attributes", "provenance", "author", "created", "rows", "blobs"])
def test_an_altered_version_is_never_read(store: Any, memory: Any, field: str) -> None:
    key = version_key("omega", "datasets", "sales", 3)
    record = memory.get_record(key)
    altered = {"rows": 4, "blobs": [], "parts": [], "attributes": {}, "provenance": {"by": "mallory"}}.get(field, "x")
    memory.commit([Put(key, {**record.body, field: altered}, record.revision)])
    for read in (store.get, store.getl, store.versions):
        with pytest.raises(CorruptRecordError):
            read("sales")


def test_a_record_in_the_place_of_another_is_never_read(store: Any, memory: Any) -> None:
    second = memory.get_record(version_key("omega", "datasets", "sales", 2))
    third = memory.get_record(version_key("omega", "datasets", "sales", 3))
    memory.commit([Put(third.key, second.body, third.revision)])
    with pytest.raises(CorruptRecordError, match="is not one of 'sales'"):
        store.get("sales")
    head, other = (memory.get_record(head_key("omega", "datasets", name)) for name in ("sales", "count"))
    memory.commit([Put(head.key, other.body, head.revision)])
    with pytest.raises(CorruptRecordError, match="is not one of 'sales'"):
        store.metadata("sales")


def test_a_head_that_points_at_nothing_is_an_error_that_says_so(store: Any, memory: Any) -> None:
    record = memory.get_record(version_key("omega", "datasets", "sales", 3))
    memory.delete_record(record.key, record.revision)
    with pytest.raises(CorruptRecordError, match="the current one, is missing"):
        store.get("sales")
    assert store.rollback("sales", 2).version == 2
    assert store.get("sales") == ["a", "b"]


def test_a_record_of_a_newer_release_is_refused(store: Any, memory: Any) -> None:
    record = memory.get_record(head_key("omega", "datasets", "sales"))
    memory.commit([Put(record.key, {**record.body, "schema_version": 2}, record.revision)])
    with pytest.raises(CorruptRecordError, match="upgrade omcore"):
        store.get("sales")


def test_a_reader_that_comes_too_late_for_a_blob_reads_the_version_that_is_current_now(shop: Any, memory: Any) -> None:
    store = shop()
    store.put(shop.lines(["old"]), "sales")
    opened: list[str] = []

    def collected(digest: str) -> Any:
        opened.append(digest)
        if len(opened) == 1:  # collected between the reader's look at the head and its look at the blob
            store.put(shop.lines(["new"]), "sales")
            raise BlobNotFoundError("collected")
        return type(memory).open_blob(memory, digest)

    memory.open_blob = collected
    assert store.get("sales") == ["new"]
    assert len(opened) == 2


def test_a_blob_that_is_gone_for_good_is_an_error_after_one_more_look(shop: Any, memory: Any) -> None:
    store = shop()
    store.put(shop.lines(["old"]), "sales")
    memory._space.blobs.clear()
    memory.calls.clear()
    with pytest.raises(BlobNotFoundError):
        store.get("sales")
    assert memory.calls["get_record"] == 3

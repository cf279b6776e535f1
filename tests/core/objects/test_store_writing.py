"""What putting, tagging, dropping and rolling back promise."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omcore.errors import (
    ConflictError,
    InvalidArgumentError,
    InvalidNameError,
    ObjectNotFoundError,
    StorageFullError,
    UnsupportedTypeError,
    VersionConflictError,
    VersionNotFoundError,
    VetoError,
)
from omcore.objects.events import Dropped, Putting, Stored
from omcore.objects.heads import INLINE
from omcore.objects.retention import purge
from omcore.objects.store import TrustRules
from omcore.signing import Key, KeyRing
from omcore.storage.backend import Put

# --- put


def test_a_value_comes_back_as_it_was_and_its_metadata_says_what_it_is(both: Any) -> None:
    store = both()
    stored = store.put({"x": [1, 2.5, None]}, "config", {"owner": "ann"}, why="first", provenance={"inputs": []})
    assert store.get("config") == {"x": [1, 2.5, None]}
    assert store.metadata("config") == stored
    assert (stored.version, stored.kind, stored.provenance) == (1, "json.value", {"inputs": []})


def test_attributes_stay_until_others_are_given(shop: Any) -> None:
    store = shop()
    store.put(1, "x", {"require": "gpu", "pair": (1, 2)})
    assert store.put(2, "x").attributes == {"require": "gpu", "pair": [1, 2]}
    assert store.put(3, "x", {"a": 1}).attributes == {"a": 1}
    assert store.put(4, "x", {}).attributes == {}
    assert store.rollback("x", 2).attributes == {"require": "gpu", "pair": [1, 2]}
    assert store.pin("x").attributes == {"require": "gpu", "pair": [1, 2]}
    store.drop("x")
    assert store.put(5, "x").attributes == {}


def _cycle() -> dict[str, Any]:
    body: dict[str, Any] = {}
    body["self"] = body
    return body


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ([1], "must be a dict"),
        ({1: 2}, "keys are text"),
        ({"a": {"b": [0, object()]}}, r"attributes\['a'\]\['b'\]\[1\] is a object but must be JSON"),
        ({"a": float("nan")}, "JSON has no such number"),
        ({"a": float("inf")}, "JSON has no such number"),
        ({"a": 2**63}, "beyond 64 bits"),
        ({"a": b"x"}, "is a bytes"),
        ({"a": "\0"}, "NUL"),
        ({"\ud800": 1}, "valid Unicode"),
        (_cycle(), "nested more than"),
        ({"a": "x" * 2_000_000}, "may have at most"),
    ],
)
def test_attributes_that_are_not_json_are_refused_by_name_before_anything_is_written(
    shop: Any, memory: Any, attributes: Any, why: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        shop().put(1, "x", attributes)
    assert str(caught.value).isprintable()
    with pytest.raises(InvalidArgumentError):
        shop().put(1, "x", provenance=attributes)
    assert not memory.calls


def test_a_value_that_nothing_takes_is_refused_by_type_store_and_kinds(shop: Any, memory: Any) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"type builtins\.object cannot be stored in datasets; it takes"):
        shop().put(object(), "x")
    with pytest.raises(UnsupportedTypeError, match=r"takes no kind 'json\.valu'; did you mean 'json\.value'"):
        shop().put(1, "x", kind="json.valu")
    with pytest.raises(UnsupportedTypeError, match=r"cannot be stored as 'bytes'"):
        shop().put(1, "x", kind="bytes")
    assert not memory.calls


def test_a_name_that_is_a_reference_is_no_name_to_put_under(shop: Any) -> None:
    for name in ("x@3", "x[y]", "om://test/omega/datasets/x", "../x"):
        with pytest.raises(InvalidNameError):
            shop().put(1, name)


def test_a_put_that_expects_another_version_changes_nothing(shop: Any, memory: Any) -> None:
    store = shop()
    assert store.put(1, "x", expected=0).version == 1
    assert store.put(2, "x", expected=1).version == 2
    memory.calls.clear()
    with pytest.raises(VersionConflictError, match=r"expected version 1 .* but version 2 is; .* expected=2"):
        store.put(3, "x", expected=1)
    assert memory.calls == {"get_record": 1}
    with pytest.raises(VersionConflictError, match="but there is none"):
        store.put(3, "y", expected=1)
    for wrong in (-1, "1", True):
        with pytest.raises(InvalidArgumentError, match="is no version"):
            store.put(3, "x", expected=wrong)
    assert store.get("x") == 2


def test_a_put_that_expected_rightly_but_came_second_is_told_so(shop: Any, memory: Any) -> None:
    store = shop()
    store.put(1, "x")
    draft = store.stage(2, "x", expected=1)
    store.put("in between", "x")
    with pytest.raises(VersionConflictError, match="but version 2 is"):
        store.plan(draft)


def test_appending_shares_what_is_there(shop: Any, memory: Any) -> None:
    store = shop()
    assert store.put(shop.lines(["a"]), "x", append=True).version == 1
    store.put(shop.lines(["b"]), "x", append=True)
    assert store.get("x") == ["a", "b"]
    assert store.get("x@1") == ["a"]
    assert [move.action for move in store.history("x")] == ["append", "append"]
    bodies = [record.body for record in memory.scan_records("objects/omega/datasets/versions/")]
    assert set(bodies[0]["blobs"]) < set(bodies[1]["blobs"])


def test_appending_what_does_not_fit_is_refused(shop: Any) -> None:
    store = shop()
    store.put(1, "number")
    with pytest.raises(UnsupportedTypeError, match=r"cannot append 'test\.lines' to 'number'"):
        store.put(shop.lines(["a"]), "number", append=True)
    with pytest.raises(UnsupportedTypeError, match="cannot be appended to"):
        store.put(2, "number", append=True)


def test_a_veto_stops_a_put_before_a_byte_is_written(shop: Any, memory: Any) -> None:
    shop.events.veto = VetoError("no numbers on sundays")
    with pytest.raises(VetoError, match="no numbers"):
        shop().put(1, "x", {"a": 1})
    assert shop.events.told == [Putting("test", "omega", "datasets", "x", "json.value", {"a": 1}, 1)]
    assert not memory.calls


def test_plugins_are_told_once_and_after_the_fact(shop: Any) -> None:
    store = shop()
    store.put("abc", "x")
    store.drop("x")
    stored = Stored("test", "omega", "datasets", "x", 1, "json.value", 5)
    assert shop.events.told[1:] == [stored, Dropped("test", "omega", "datasets", "x")]


def test_nobody_is_told_of_a_put_that_failed(shop: Any, memory: Any) -> None:
    def full(changes: Any) -> Any:
        raise StorageFullError("no room")

    memory.commit = full
    with pytest.raises(StorageFullError):
        shop().put(1, "x")
    assert [type(event) for event in shop.events.told] == [Putting]
    del memory.commit
    assert shop().list() == []


# --- drafts and plans


def test_a_staged_draft_touches_no_record_until_its_plan_is_committed(shop: Any, memory: Any) -> None:
    store = shop()
    draft = store.stage(1, "x", {"a": 1}, action="fit", why="better", author="bob@worker", provenance={"task": "t"})
    assert not memory.calls["commit"]
    plan = store.plan(draft)
    assert not memory.calls["commit"]
    assert not store.exists("x")
    memory.commit([*plan.changes, Put("tasks/t", {"state": "SUCCESS"}, None)])
    assert store.get("x") == 1
    move = store.history("x")[0]
    assert (move.action, move.why, move.who) == ("fit", "better", "bob@worker")
    assert store.metadata("x").author == "bob@worker"
    assert store.metadata("x").id == plan.version.id == plan.head.id


def test_two_plans_for_one_head_cannot_both_be_committed(shop: Any, memory: Any) -> None:
    store = shop()
    first, second = (store.plan(store.stage(value, "x")) for value in (1, 2))
    memory.commit(first.changes)
    with pytest.raises(ConflictError):
        memory.commit(second.changes)
    assert store.get("x") == 1


def test_content_that_is_there_already_is_staged_without_writing_or_asking(shop: Any, memory: Any) -> None:
    source, target = shop(), shop(bucket="prod")
    source.put(shop.lines(["a"]), "x")
    content = source.pinned_version(source.pin("x").pin).content
    memory.calls.clear()
    shop.events.told.clear()
    plan = target.plan(target.stage_content(content, "y", {"k": 1}, action="promote", provenance={"from": "x@1"}))
    memory.commit(plan.changes)
    assert not memory.calls["write_blob"]
    assert shop.events.told == []
    assert target.get("y") == ["a"]
    assert target.history("y")[0].action == "promote"


# --- many at once


def test_twenty_threads_that_put_one_object_make_each_version_once_and_in_order(both: Any) -> None:
    store, together, puts = both(), threading.Barrier(20), 5

    def work(thread: int) -> list[tuple[int, str]]:
        together.wait()
        values = [f"{thread}/{turn}" for turn in range(puts)]
        return [(store.put(value, "x").version, value) for value in values]

    with ThreadPoolExecutor(20) as pool:
        acknowledged = [done for thread in pool.map(work, range(20)) for done in thread]
    assert sorted(number for number, _ in acknowledged) == list(range(1, 20 * puts + 1))
    assert {number: store.get("x", number) for number, _ in acknowledged} == dict(acknowledged)
    moves = store.history("x")
    assert [(move.before, move.after) for move in moves] == [(n or None, n + 1) for n in range(20 * puts)]
    assert store.metadata("x").version == 20 * puts


def test_threads_that_append_lose_no_row(both: Any) -> None:
    store, together = both(), threading.Barrier(8)

    def work(thread: int) -> None:
        together.wait()
        for turn in range(3):
            store.put(both.lines([f"{thread}/{turn}"]), "x", append=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sorted(store.get("x")) == sorted(f"{thread}/{turn}" for thread in range(8) for turn in range(3))
    assert [item.rows for item in store.versions("x")] == list(range(1, 25))


def test_of_threads_that_expect_the_same_version_one_wins(both: Any) -> None:
    store, together = both(), threading.Barrier(8)
    store.put("first", "x")

    def work(thread: int) -> bool:
        together.wait()
        try:
            store.put(thread, "x", expected=1)
        except VersionConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 1
    assert store.metadata("x").version == 2


# --- pointers


def test_an_alias_follows_tag_and_goes_with_untag_and_drop(shop: Any) -> None:
    store = shop()
    for value in (1, 2, 3):
        store.put(value, "x")
    assert store.tag("x", "best", 1).aliases == ("best",)
    store.tag("x", "other", "best")
    assert (store.get("x@best"), store.get("x@other")) == (1, 1)
    assert store.tag("x", "best").version == 3
    store.untag("x", "other")
    with pytest.raises(VersionNotFoundError, match="has no alias 'other'"):
        store.untag("x", "other")
    for wrong in ("3", "a b", "", "../x"):
        with pytest.raises(InvalidNameError):
            store.tag("x", wrong)
    with pytest.raises(VersionNotFoundError):
        store.tag("x", "best", 4)
    store.drop("x")
    store.rollback("x")
    assert store.metadata("x").aliases == ()


def test_drop_put_and_rollback_never_give_a_number_twice(shop: Any) -> None:
    store = shop()
    store.put("one", "x")
    store.drop("x", why="oops")
    assert (store.list(), store.exists("x"), store.exists("x@1")) == ([], False, False)
    with pytest.raises(ObjectNotFoundError):
        store.drop("x")
    assert store.put("two", "x").version == 2
    store.drop("x")
    assert store.rollback("x").version == 2
    assert store.rollback("x", 1, why="the first was right").version == 1
    assert store.get("x") == "one"
    assert store.rollback("x", 2).version == 2
    assert store.put("three", "x").version == 3
    assert [(move.action, move.before, move.after, move.why) for move in store.history("x")] == [
        ("put", None, 1, ""),
        ("drop", 1, None, "oops"),
        ("put", None, 2, ""),
        ("drop", 2, None, ""),
        ("rollback", None, 2, ""),
        ("rollback", 2, 1, "the first was right"),
        ("rollback", 1, 2, ""),
        ("put", 2, 3, ""),
    ]


def test_each_rollback_goes_one_further_back_past_versions_that_were_given_up(shop: Any) -> None:
    store = shop()
    for value in (1, 2, 3):
        store.put(value, "x")
    assert [store.rollback("x").version, store.rollback("x").version] == [2, 1]
    store.put(4, "x")
    assert store.rollback("x").version == 1
    with pytest.raises(VersionNotFoundError, match="replaced none"):
        store.rollback("x")


def test_rollback_without_a_version_before_says_so(shop: Any) -> None:
    store = shop()
    store.put(1, "x")
    with pytest.raises(VersionNotFoundError, match=r"the current version of 'x' .* replaced none"):
        store.rollback("x")
    with pytest.raises(ObjectNotFoundError):
        store.rollback("y")
    with pytest.raises(VersionNotFoundError, match="has no version 2"):
        store.rollback("x", 2)


def test_a_long_history_is_kept_whole_while_its_head_stays_small(shop: Any, memory: Any) -> None:
    store = shop()
    for value in (1, 2):
        store.put(value, "x")
    for turn in range(3 * INLINE):
        store.tag("x", f"a{turn}")
        store.untag("x", f"a{turn}")
        head = next(iter(memory.scan_records("objects/omega/datasets/heads/")))
        assert len(head.body["history"]) <= INLINE
    assert len(store.history("x")) == 2 + 6 * INLINE
    assert [move.why for move in store.history("x")][2::2] == [f"a{turn}" for turn in range(3 * INLINE)]
    assert store.rollback("x").version == 1


# --- trust


def test_a_version_signed_by_a_key_that_is_not_listed_counts_as_unsigned(shop: Any) -> None:
    mine, theirs = Key.of(b"m" * 32), Key.of(b"t" * 32)
    shop(keys=KeyRing(theirs)).put(1, "x")
    reader = shop(keys=KeyRing(mine), trust=TrustRules(frozenset({"a.B"}), "say so in omcore.toml"))
    listing = shop(keys=KeyRing(mine, [theirs]))
    unsigned = reader._trust_in(reader.pinned_version(reader.pin("x").pin))
    assert (unsigned.signed, unsigned.types, unsigned.sentence) == (False, {"a.B"}, "say so in omcore.toml")
    assert listing._trust_in(listing.pinned_version(listing.pin("x").pin)).signed
    assert reader.metadata("x").signed_by == theirs.id


def test_a_store_without_a_key_stores_unsigned_versions(shop: Any) -> None:
    store = shop(keys=KeyRing())
    assert store.put(1, "x").signed_by == ""
    assert not store._trust_in(store.pinned_version(store.pin("x").pin)).signed


# --- retention


def test_purge_takes_the_versions_of_what_was_dropped_long_ago_and_nothing_else(shop: Any, memory: Any) -> None:
    store, now = shop(), datetime.now(UTC)
    for name in ("kept", "dropped", "again"):
        store.put(shop.lines([name]), name)
        store.put(shop.lines([name, name]), name)
    store.drop("dropped")
    store.drop("again")
    store.put(shop.lines(["new"]), "again")
    assert list(purge(memory, now - timedelta(days=1), "gc@desk")) == []
    later = now + timedelta(days=1)
    [told] = purge(memory, later, "gc@desk", dry_run=True)
    assert store.rollback("dropped").version == 2
    store.drop("dropped")
    assert list(purge(memory, later, "gc@desk")) == [told]
    assert (told.store, told.name, told.versions) == ("datasets", "dropped", 2)
    assert list(purge(memory, later, "gc@desk")) == []
    with pytest.raises(VersionNotFoundError, match="there are no versions"):
        store.rollback("dropped")
    assert [move.action for move in store.history("dropped")][-1] == "purge"
    assert store.put(shop.lines(["x"]), "dropped").version == 3
    assert (store.get("kept@1"), store.get("again@1")) == (["kept"], ["again"])


def test_purge_leaves_alone_what_comes_back_meanwhile(shop: Any, memory: Any) -> None:
    store = shop()
    store.put(1, "x")
    store.drop("x")
    commit = memory.commit

    def rolled_back_first(changes: Any) -> Any:
        memory.commit = commit
        store.rollback("x")
        return commit(changes)

    memory.commit = rolled_back_first
    assert list(purge(memory, datetime.now(UTC) + timedelta(days=1), "gc@desk")) == []
    assert store.get("x") == 1

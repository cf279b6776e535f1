"""Promises about single records: bodies come back as they went in, and compare-and-set decides who writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omcore.errors import ConflictError, InvalidArgumentError
from omcore.storage.backend import LARGEST_BODY
from omcore.testing.storage.fixtures import StorageKit

if TYPE_CHECKING:
    from omcore.storage.backend import Body, Place, StorageBackend
    from omcore.testing.storage.fixtures import OpenStorage

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8)
FIELDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
BODIES = st.dictionaries(FIELDS, VALUES, max_size=5)

REFUSED_BODIES: dict[str, Any] = {
    "not an object": ["a"],
    "a number that is not finite": {"a": float("nan")},
    "an infinite number": {"a": [float("inf")]},
    "an integer of 65 bits": {"a": 1 << 63},
    "half a character": {"a": "\ud800"},
    "a NUL in text": {"a": ["\0"]},
    "a NUL in a name": {"a": {"b\0": 1}},
    "a name that is a number": {"a": {1: 1}},
    "a field that is no identifier": {"a.b": 1},
    "a field that looks like an operator": {"$set": 1},
    "an object of Python": {"a": object()},
    "bytes": {"a": b"b"},
    "too much": {"a": "x" * LARGEST_BODY},
}

REFUSED_KEYS = ("", "ä", "a\n", "a\0b", "x" * 513, "\x7f")


def same(left: object, right: object) -> bool:
    """Whether two bodies are equal in every value and in every type."""
    return repr(_sorted(left)) == repr(_sorted(right))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return sorted((name, _sorted(item)) for name, item in value.items())
    return [_sorted(item) for item in value] if isinstance(value, list) else value


class RecordPromises(StorageKit):
    """Reading and writing one record."""

    def test_there_is_no_record_before_it_is_put(self, storage: StorageBackend) -> None:
        """If this fails, check that a missing record is `None`, not an error."""
        assert storage.get_record("missing") is None
        assert storage.get_records(["missing"]) == {}

    def test_a_record_comes_back_with_its_revision(self, storage: StorageBackend) -> None:
        """If this fails, check that the revision you return is the one you keep."""
        revision = storage.put_record("key", {"a": 1}, None)
        record = storage.get_record("key")
        assert record is not None
        assert (record.key, record.body, record.revision) == ("key", {"a": 1}, revision)
        assert list(storage.find_records("")) == [record]
        assert storage.get_records(["key", "missing"]) == {"key": record}

    def test_any_body_comes_back_as_it_went_in(self, storage: StorageBackend) -> None:
        """If this fails, check integers of 64 bits, floats, text beyond the basic plane, and what is empty."""

        @settings(deadline=None)
        @given(body=BODIES)
        def check(body: Body) -> None:
            found = storage.get_record("key")
            storage.put_record("key", body, found.revision if found else None)
            record = storage.get_record("key")
            assert record is not None
            assert same(record.body, body)

        check()

    def test_a_body_of_the_largest_size_is_kept(self, storage: StorageBackend) -> None:
        """If this fails, check the limits of your engine; the contract allows 4 MiB."""
        body = {"a": "x" * (LARGEST_BODY - len('{"a":""}'))}
        storage.put_record("key", body, None)
        record = storage.get_record("key")
        assert record is not None
        assert record.body == body

    def test_a_body_is_the_callers_own(self, storage: StorageBackend) -> None:
        """If this fails, check that you neither keep nor hand out an object that somebody else can change."""
        body = {"a": [1]}
        storage.put_record("key", body, None)
        body["a"].append(2)
        for _ in range(2):
            record = storage.get_record("key")
            assert record is not None
            assert record.body == {"a": [1]}
            record.body["a"].append(3)

    @pytest.mark.parametrize("what", REFUSED_BODIES)
    def test_a_body_that_not_every_backend_can_keep_is_refused(self, storage: StorageBackend, what: str) -> None:
        """If this fails, use `omcore.storage.bodies.encode_body` before you write anything."""
        with pytest.raises(InvalidArgumentError):
            storage.put_record("key", REFUSED_BODIES[what], None)
        assert storage.get_record("key") is None

    @pytest.mark.parametrize("key", REFUSED_KEYS)
    def test_a_key_that_is_no_key_is_refused(self, storage: StorageBackend, key: str) -> None:
        """If this fails, use `omcore.storage.bodies.check_changes` before you write anything."""
        with pytest.raises(InvalidArgumentError):
            storage.put_record(key, {}, None)
        with pytest.raises(InvalidArgumentError):
            storage.get_record(key)
        assert list(storage.find_records("")) == []

    def test_the_longest_key_and_every_character_are_kept(self, storage: StorageBackend) -> None:
        """If this fails, check how you quote keys, and the limits of your index."""
        keys = ["x" * 512, *(f"a{chr(code)}" for code in range(32, 127))]
        for key in keys:
            storage.put_record(key, {"key": key}, None)
        for key in keys:
            record = storage.get_record(key)
            assert record is not None
            assert record.body == {"key": key}

    def test_a_revision_never_comes_back(self, storage: StorageBackend) -> None:
        """If this fails, make revisions random: a counter or a hash comes back after a delete, or for an equal body."""
        seen = set[str]()
        for _ in range(3):
            revision = storage.put_record("key", {"a": 1}, None)
            seen.add(revision)
            revision = storage.put_record("key", {"a": 1}, revision)
            seen.add(revision)
            storage.delete_record("key", revision)
        assert len(seen) == 6

    def test_a_put_at_another_revision_is_a_conflict(self, storage: StorageBackend) -> None:
        """If this fails, check that the compare and the set are one step and that nothing changes on a conflict."""
        first = storage.put_record("key", {"a": 1}, None)
        second = storage.put_record("key", {"a": 2}, first)
        for expected in (first, None, "no revision"):
            with pytest.raises(ConflictError) as caught:
                storage.put_record("key", {"a": 3}, expected)
            assert (caught.value.key, caught.value.expected, caught.value.found) == ("key", expected, second)
        record = storage.get_record("key")
        assert record is not None
        assert (record.body, record.revision) == ({"a": 2}, second)

    def test_a_put_over_a_record_that_is_gone_is_a_conflict(self, storage: StorageBackend) -> None:
        """If this fails, check that an update never creates."""
        revision = storage.put_record("key", {}, None)
        storage.delete_record("key", revision)
        with pytest.raises(ConflictError) as caught:
            storage.put_record("key", {}, revision)
        assert caught.value.found is None
        assert storage.get_record("key") is None

    def test_a_delete_at_another_revision_is_a_conflict(self, storage: StorageBackend) -> None:
        """If this fails, check that a delete compares as a put does."""
        with pytest.raises(ConflictError):
            storage.delete_record("key", "no revision")
        first = storage.put_record("key", {}, None)
        second = storage.put_record("key", {}, first)
        with pytest.raises(ConflictError) as caught:
            storage.delete_record("key", first)
        assert caught.value.found == second
        storage.delete_record("key", second)
        assert storage.get_record("key") is None

    def test_another_opening_sees_a_record_at_once(
        self, storage: StorageBackend, open_storage: OpenStorage, place: Place
    ) -> None:
        """If this fails, check that you read the latest commit and not a snapshot or a cache of your own."""
        with open_storage(place) as other:
            revision = storage.put_record("key", {"a": 1}, None)
            record = other.get_record("key")
            assert record is not None
            other.put_record("key", {"a": 2}, revision)
            record = storage.get_record("key")
            assert record is not None
            assert record.body == {"a": 2}

"""Sequences of calls that hypothesis makes up, done to a storage and to a `MemoryStorage` at once and compared."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from omcore.errors import BlobNotFoundError, ConflictError, InvalidArgumentError
from omcore.storage.backend import CHUNK_SIZE, REFERENCES_FIELD, Change, Delete, Place, Put, Record
from omcore.storage.digests import digest_of
from omcore.storage.gc import collect
from omcore.storage.memory import MemoryOptions, MemoryStorage
from omcore.testing.storage.fixtures import FUTURE, contents, summary
from omcore.testing.storage.records import TEXTS, same

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from omcore.storage.backend import Body, StorageBackend
    from omcore.storage.bodies import Scalar
    from omcore.testing.storage.fixtures import OpenStorage

_CONTENTS = tuple(b"content %d " % number * (number**2 * 15_000 + number) for number in range(4))
_DIGESTS = (*(digest_of(content) for content in _CONTENTS), "0" * 64)
_KEYS = ("a", "a/1", "a/2", "a_", "A", "b/1", "b/10", "b/2")
_ENDED = (BlobNotFoundError, ConflictError, InvalidArgumentError)

_keys = st.sampled_from(_KEYS)
_scalars = st.sampled_from([None, True, False, 0, 1, 1.0, "1", "", "x"])
_references = st.lists(st.sampled_from(_DIGESTS), max_size=2)
_bodies = st.fixed_dictionaries({}, optional={"v": _scalars, REFERENCES_FIELD: _references, "text": TEXTS})
_expectations = st.sampled_from([*["current"] * 8, "absent", "stale"])
_change = st.tuples(_keys, st.none() | _bodies, _expectations)
_changes = st.lists(_change, max_size=3, unique_by=lambda change: change[0]) | st.lists(_change, max_size=3)
_beginnings = st.dictionaries(_keys, st.fixed_dictionaries({"v": _scalars}), min_size=len(_KEYS) // 2)


def storage_machine(open_storage: OpenStorage, new_place: Callable[[], Place]) -> type[RuleBasedStateMachine]:
    """Make a state machine for `hypothesis.stateful.run_state_machine_as_test`.

    Args:
        open_storage: opens the storage under test.
        new_place: a place that was never used, at every call.
    """

    class StorageMachine(_Comparison):
        def __init__(self) -> None:
            place = new_place()
            super().__init__(lambda: open_storage(place), place)

    return StorageMachine


def compare_sequences(open_storage: OpenStorage, folder: Path, number: int, steps: int = 40) -> None:
    """Do so many made-up sequences to a new storage each, and to a memory storage, without looking for the shortest.

    Args:
        open_storage: opens the storage of a place.
        folder: where the places are.
        number: of sequences.
        steps: the length of each, at most.

    Raises:
        AssertionError: the storage does something else.
    """
    places = (Place("kit", folder / str(at)) for at in itertools.count())
    limits = settings(
        max_examples=number,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(storage_machine(open_storage, lambda: next(places)), settings=limits)


class _Comparison(RuleBasedStateMachine):
    """Does everything twice. A revision of the one stands for that of the other that was made by the same step."""

    def __init__(self, open_subject: Callable[[], StorageBackend], place: Place) -> None:
        super().__init__()
        self._open = open_subject
        self._subject = open_subject()
        self._model = MemoryStorage(MemoryOptions(), place)
        self._revisions: dict[str, str] = {}
        self._stale: dict[str, str] = {}
        self._used: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self._subject.close()
        self._model.close()

    @initialize(bodies=_beginnings)
    def begin(self, bodies: dict[str, Body]) -> None:
        assert list(self._subject.find_records("")) == []
        assert contents(self._subject) == {}
        self.commit([(key, body, "absent") for key, body in bodies.items()])

    @rule(content=st.sampled_from(_CONTENTS), cut=st.integers(0, CHUNK_SIZE))
    def write_blob(self, content: bytes, cut: int) -> None:
        self._both(lambda storage: storage.write_blob([content[:cut], content[cut:]]))

    @rule(digest=st.sampled_from(_DIGESTS), start=st.integers(0, CHUNK_SIZE))
    def read_blob(self, digest: str, start: int) -> None:
        def read(storage: StorageBackend) -> tuple[int, str]:
            with storage.open_blob(digest) as file:
                file.seek(start)
                return summary(file.read())

        self._both(read)

    @rule(digests=st.lists(st.sampled_from(_DIGESTS), max_size=3))
    def ask_for_blobs(self, digests: list[str]) -> None:
        self._both(lambda storage: storage.have_blobs(digests))
        self._both(lambda storage: [storage.has_blob(digest) for digest in digests])

    @rule(digest=st.sampled_from(_DIGESTS))
    def delete_blob(self, digest: str) -> None:
        self._both(lambda storage: storage.delete_blob(digest, FUTURE))

    @rule(dry_run=st.booleans())
    def collect_garbage(self, dry_run: bool) -> None:
        def deleted(storage: StorageBackend) -> tuple[int, int, int]:
            report = collect(storage, timedelta(days=-1), dry_run=dry_run)
            return report.deleted, report.kept, report.bytes

        self._both(deleted)

    @rule(changes=_changes)
    def commit(self, changes: Sequence[tuple[str, Body | None, str]]) -> None:
        """Change records; a body of `None` is a delete."""
        known = {key: found.revision for key in _KEYS if (found := self._model.get_record(key))}
        ours = [self._change(change, known) for change in changes]
        theirs = [self._translated(change) for change in ours]
        expected = _outcome(lambda: self._model.commit(ours))
        actual = _outcome(lambda: self._subject.commit(theirs))
        assert type(actual) is type(expected), f"the storage: {actual!r}, the memory storage: {expected!r}"
        if not isinstance(expected, Exception):
            assert set(actual) == set(expected)
            assert self._used.isdisjoint(actual.items()), f"a revision came back: {actual}"
            self._used |= set(actual.items())
            self._revisions |= {expected[key]: actual[key] for key in expected}
            self._stale |= {key: known[key] for key in known.keys() & {key for key, _, _ in changes}}

    @rule(key=_keys, body=_bodies)
    def put(self, key: str, body: Body) -> None:
        self.commit([(key, body, "current")])

    @rule(key=_keys)
    def delete(self, key: str) -> None:
        self.commit([(key, None, "current")])

    @rule(key=_keys, body=_bodies)
    def replace(self, key: str, body: Body) -> None:
        """Delete and create, so that what a record leaves behind meets the next of its name."""
        self.delete(key)
        self.put(key, body)

    @rule(key=_keys)
    def get_record(self, key: str) -> None:
        self._compare([self._model.get_record(key)], [self._subject.get_record(key)])

    @rule(keys=st.lists(_keys, max_size=4))
    def get_records(self, keys: list[str]) -> None:
        expected, actual = self._model.get_records(keys), self._subject.get_records(keys)
        assert set(actual) == set(expected)
        self._compare([expected[key] for key in expected], [actual[key] for key in expected])

    @rule(
        prefix=st.sampled_from(["", "a", "a/", "a_", "A", "b/1", "c"]),
        after=st.none() | _keys,
        limit=st.integers(1, 9),
        fields=st.none() | st.sets(st.sampled_from(["v", "text", "missing"])),
    )
    def find_by_prefix(self, **arguments: Any) -> None:
        self._compare(self._model.find_records(**arguments), self._subject.find_records(**arguments))

    @rule(wanted=_scalars, limit=st.integers(1, 9))
    def find_by_value(self, wanted: Scalar, limit: int) -> None:
        where = {"v": wanted}
        self._compare(
            self._model.find_records("", where, limit=limit), self._subject.find_records("", where, limit=limit)
        )

    @rule()
    def reopen(self) -> None:
        identity = self._subject.identity
        self._subject.close()
        self._subject = self._open()
        assert self._subject.identity == identity

    @invariant()
    def holds_the_same(self) -> None:
        self._compare(self._model.find_records(""), self._subject.find_records(""))
        assert contents(self._subject) == contents(self._model)

    def _both(self, act: Callable[[StorageBackend], object]) -> None:
        expected, actual = _outcome(lambda: act(self._model)), _outcome(lambda: act(self._subject))
        if isinstance(expected, Exception):
            assert type(actual) is type(expected), f"the storage: {actual!r}, the memory storage: {expected!r}"
        else:
            assert actual == expected

    def _change(self, change: tuple[str, Body | None, str], known: dict[str, str]) -> Change:
        key, body, expectation = change
        revision = {"current": known.get(key), "absent": None, "stale": self._stale.get(key, "never")}[expectation]
        return Delete(key, revision or "never") if body is None else Put(key, body, revision)

    def _translated(self, change: Change) -> Change:
        revision = change.expected and self._revisions.get(change.expected, "never")
        return Put(change.key, change.body, revision) if isinstance(change, Put) else Delete(change.key, revision or "")

    def _compare(self, expected: Sequence[Record | None], actual: Sequence[Record | None]) -> None:
        assert [found and found.key for found in actual] == [found and found.key for found in expected]
        for ours, theirs in zip(expected, actual, strict=True):
            if ours and theirs:
                assert same(theirs.body, ours.body)
                assert theirs.revision == self._revisions[ours.revision]


def _outcome(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except _ENDED as error:
        return error

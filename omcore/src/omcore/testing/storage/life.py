"""Promises about opening and closing: what lasts, what is shared, what is kept apart."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from omcore.errors import StorageError
from omcore.storage.backend import Place, StorageBackend, SupportsKey, SupportsLocalPath, SupportsWatch
from omcore.testing.storage.fixtures import FUTURE, StorageKit, contents, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.testing.storage.fixtures import OpenStorage

PATIENCE = 60.0
"""Seconds to wait for what must happen, on a machine that is busy."""

USES: dict[str, Callable[[StorageBackend], object]] = {
    "get_record": lambda storage: storage.get_record("key"),
    "get_records": lambda storage: storage.get_records(["key"]),
    "find_records": lambda storage: storage.find_records(""),
    "commit": lambda storage: storage.put_record("key", {}, None),
    "write_blob": lambda storage: storage.write_blob([b"x"]),
    "open_blob": lambda storage: storage.open_blob("0" * 64),
    "has_blob": lambda storage: storage.has_blob("0" * 64),
    "find_blobs": lambda storage: list(storage.find_blobs(FUTURE)),
    "delete_blob": lambda storage: storage.delete_blob("0" * 64, FUTURE),
}


class LifePromises(StorageKit):
    """Opening, closing and forking."""

    def test_the_class_says_what_the_configuration_may_say(self, storage: StorageBackend) -> None:
        """If this fails, set `api_version = 1` as a literal, and forbid extra keys in `Options`."""
        assert "api_version" in vars(type(storage)) or type(storage).__bases__ != (StorageBackend,)
        assert storage.api_version == 1
        assert issubclass(storage.Options, BaseModel)
        assert storage.Options.model_config.get("extra") == "forbid"

    def test_what_was_stored_is_there_after_a_reopening(self, open_storage: OpenStorage, place: Place) -> None:
        """If this fails, check that nothing acknowledged is only in memory."""
        with open_storage(place) as storage:
            info = storage.write_blob([b"lasting"])
            revision = storage.put_record("key", {"a": 1}, None)
            identity = storage.identity
        with open_storage(place) as storage, storage.open_blob(info.digest) as file:
            record = storage.get_record("key")
            assert record is not None
            assert (record.body, record.revision) == ({"a": 1}, revision)
            assert (file.read(), storage.identity) == (b"lasting", identity)

    def test_an_identity_belongs_to_the_data(self, open_storage: OpenStorage, place: Place) -> None:
        """If this fails, check that the identity is random, made once, and kept with the data."""
        with open_storage(place) as one, open_storage(place) as two:
            assert len(one.identity) >= 16
            assert one.identity == two.identity
        with open_storage(Place("another", place.home / "another")) as other:
            assert other.identity != one.identity

    def test_two_places_share_nothing(self, open_storage: OpenStorage, place: Place) -> None:
        """If this fails, check that every name in your engine carries the place's."""
        with open_storage(place) as one, open_storage(Place("other", place.home.with_name("other"))) as two:
            digest = one.write_blob([b"mine"]).digest
            one.put_record("key", {}, None)
            assert (two.get_record("key"), list(two.find_records("")), contents(two)) == (None, [], {})
            assert not two.has_blob(digest)
            two.put_record("key", {}, None)
            two.write_blob([b"mine"])
            assert two.delete_blob(digest, FUTURE)
            assert one.has_blob(digest)

    def test_closing_twice_is_harmless(self, open_storage: OpenStorage, place: Place) -> None:
        """If this fails, check that `close` can be called at any time."""
        storage = open_storage(place)
        storage.close()
        storage.close()

    @pytest.mark.parametrize("use", USES)
    def test_a_closed_storage_cannot_be_used(self, open_storage: OpenStorage, place: Place, use: str) -> None:
        """If this fails, check that a closed storage neither works on nor raises its library's own error."""
        with open_storage(place) as storage:
            storage.put_record("key", {}, None)
        with pytest.raises(StorageError, match="closed"):
            USES[use](storage)

    def test_one_opening_outlives_the_closing_of_another(self, open_storage: OpenStorage, place: Place) -> None:
        """If this fails, check what two openings in one process share."""
        with open_storage(place) as storage:
            open_storage(place).close()
            storage.put_record("key", {}, None)
            assert storage.has_blob(storage.write_blob([b"x"]).digest)

    def test_no_secret_shows(self, storage: StorageBackend) -> None:
        """If this fails, check that the address is built without user and password, and what `repr` tells."""
        shown = f"{storage.address} {storage.identity} {storage!r} {storage}"
        assert storage.address
        assert [secret for secret in self.secrets if secret in shown] == []

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_has_a_connection_of_its_own(self, storage: StorageBackend) -> None:
        """If this fails, check that an instance notices that it was forked, and opens anew on first use."""
        revision = storage.put_record("key", {"by": "parent"}, None)
        child = os.fork()
        if child == 0:  # pragma: no cover -- the child is not measured
            _in_child(storage, revision)
        for _ in range(20):
            assert storage.get_record("key") is not None
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        record = storage.get_record("key")
        assert record is not None
        assert record.body == {"by": "child", "digest": storage.write_blob([b"from the child"]).digest}

    def test_a_local_path_holds_the_content(self, storage: StorageBackend) -> None:
        """If this fails, check that the file is the content and nothing else."""
        if not isinstance(storage, SupportsLocalPath):
            pytest.skip("this storage has no files on this machine")
        for content in (b"", b"content", b"content" * 400_000):
            path = storage.local_path(storage.write_blob([content]).digest)
            assert summary(path.read_bytes()) == summary(content)

    def test_who_waits_for_a_change_is_woken_by_one(self, storage: StorageBackend) -> None:
        """If this fails, check that a put, and a delete, of a record under the prefix ends the wait."""
        if not isinstance(storage, SupportsWatch):
            pytest.skip("this storage wakes nobody")
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(storage.wait_for_change, "watched/", PATIENCE)
            for number in itertools.count():
                storage.put_record(f"watched/{number}", {}, None)
                if waiter.done() or wait([waiter], timeout=0.05).done:
                    break
            assert waiter.result()

    def test_who_waits_for_a_change_is_left_alone_by_others(self, storage: StorageBackend) -> None:
        """If this fails, check that only records under the prefix wake, and that the wait ends in time."""
        if not isinstance(storage, SupportsWatch):
            pytest.skip("this storage wakes nobody")
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(storage.wait_for_change, "watched/", 0.3)
            for number in itertools.count():
                storage.put_record(f"watchful/{number}", {}, None)
                if wait([waiter], timeout=0.02).done:
                    break
            assert not waiter.result()

    def test_a_signing_secret_stays_the_same(self, open_storage: OpenStorage, place: Place) -> None:
        """If this fails, check that the secret is made once, is long and random, and belongs to one storage."""
        with open_storage(place) as one, open_storage(place) as two:
            if not (isinstance(one, SupportsKey) and isinstance(two, SupportsKey)):
                pytest.skip("this storage keeps no key")
            assert one.signing_secret() == two.signing_secret()
            assert len(one.signing_secret()) >= 32


def _in_child(storage: StorageBackend, revision: str) -> None:  # pragma: no cover
    status = 1
    try:
        digest = storage.write_blob([b"from the child"]).digest
        storage.put_record("key", {"by": "child", "digest": digest}, revision)
        status = 0
    finally:
        os._exit(status)

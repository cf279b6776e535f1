"""What the embedded storage promises beyond the contract: its folder, its file, its options."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from omcore.errors import CorruptRecordError, StorageError, StorageUnavailableError
from omcore.storage.backend import CHUNK_SIZE, Place, Put
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.osfiles import refuse_network_mount
from omcore.testing.storage.fixtures import FUTURE, contents

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("tested", tmp_path / "home")


@pytest.fixture
def storage(place: Place) -> Iterator[EmbeddedStorage]:
    with EmbeddedStorage(EmbeddedOptions(), place) as storage:
        yield storage


def test_the_folder_is_made_where_the_options_or_the_place_say(tmp_path: Path, place: Place) -> None:
    with EmbeddedStorage(EmbeddedOptions(), place) as storage:
        assert storage.address == (place.home / "store").as_uri()
    with EmbeddedStorage(EmbeddedOptions(path=tmp_path / "else where"), place) as storage:
        assert (tmp_path / "else where" / "records.sqlite").is_file()
        assert storage.address.endswith("/else%20where")
    with EmbeddedStorage(EmbeddedOptions(path=Path("beside")), place) as storage:
        assert storage.address == (place.home / "beside").as_uri()


@pytest.mark.parametrize(
    "options", [{"pth": "x"}, {"durability": "none"}, {"busy_timeout": 0}, {"busy_timeout": -1}, {"path": 5}]
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EmbeddedOptions(**options)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnavailableError, match="file/store"):
        EmbeddedStorage(EmbeddedOptions(path=tmp_path / "file" / "store"), Place("x", tmp_path))


MOUNTS = [("/", "ext4"), ("/home", "nfs4"), ("/home/me/disk", "xfs"), ("/mnt/win", "cifs"), ("/mnt/far", "fuse.sshfs")]


@pytest.mark.parametrize("path", ["/home/me/store", "/home", "/mnt/win/x", "/mnt/far/x"])
def test_a_network_file_system_is_refused(path: str) -> None:
    with pytest.raises(StorageUnavailableError, match="network file system"):
        refuse_network_mount(Path(path), MOUNTS)


@pytest.mark.parametrize("path", ["/var/store", "/home2/store", "/home/me/disk/store", "/mnt/windows"])
def test_a_disk_of_this_machine_is_accepted(path: str) -> None:
    refuse_network_mount(Path(path), MOUNTS)


def test_a_later_mount_hides_an_earlier_one_at_the_same_point() -> None:
    refuse_network_mount(Path("/data/store"), [("/", "ext4"), ("/data", "nfs"), ("/data", "ext4")])
    with pytest.raises(StorageUnavailableError):
        refuse_network_mount(Path("/data/store"), [("/", "ext4"), ("/data", "ext4"), ("/data", "nfs")])


def test_records_are_durable_before_they_are_acknowledged(storage: EmbeddedStorage) -> None:
    with storage._database.connection() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (b"wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_durability_can_be_given_up_for_speed(place: Place) -> None:
    with EmbeddedStorage(EmbeddedOptions(durability="process"), place) as storage:
        with storage._database.connection() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
        assert storage.has_blob(storage.write_blob([b"x" * 2 * CHUNK_SIZE]).digest)


def test_a_search_uses_the_index_of_keys(storage: EmbeddedStorage) -> None:
    asked: list[str] = []
    with storage._database.connection() as connection:
        connection.set_trace_callback(asked.append)
    storage.find_records("a/", {"state": "done"}, after="a/5", limit=10)
    storage.find_records("a/")
    storage.get_record("a/5")
    storage.get_records(["a/5", "a/6"])
    with storage._database.connection() as connection:
        connection.set_trace_callback(None)
        for query in asked:
            plan = b" ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert b"SEARCH record USING INDEX" in plan
            assert b"SCAN record" not in plan
            assert b"TEMP B-TREE FOR ORDER" not in plan
    assert len(asked) == 4


def test_threads_that_come_and_go_leave_no_connections(storage: EmbeddedStorage) -> None:
    storage.put_record("key", {}, None)
    for _ in range(30):
        thread = threading.Thread(target=storage.get_record, args=("key",))
        thread.start()
        thread.join()
    assert len(storage._database._idle) == 1


def test_an_idle_connection_is_closed_before_a_fork(storage: EmbeddedStorage) -> None:
    storage.put_record("key", {}, None)
    child = os.fork()
    if child == 0:
        os._exit(len(storage._database._idle))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert storage.get_record("key") is not None


def test_waiting_for_another_writer_ends(place: Place) -> None:
    with EmbeddedStorage(EmbeddedOptions(busy_timeout=0.05), place) as storage:
        path = place.home / "store" / "records.sqlite"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailableError, match="locked"):
                storage.put_record("key", {}, None)
            assert storage.get_record("key") is None
            other.execute("ROLLBACK")
        storage.put_record("key", {}, None)


def test_a_storage_of_a_newer_version_is_refused(place: Place) -> None:
    EmbeddedStorage(EmbeddedOptions(), place).close()
    with contextlib.closing(sqlite3.connect(place.home / "store" / "records.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageUnavailableError, match="upgrade omcore"):
        EmbeddedStorage(EmbeddedOptions(), place)


def test_a_storage_without_identity_is_refused(place: Place) -> None:
    EmbeddedStorage(EmbeddedOptions(), place).close()
    with contextlib.closing(sqlite3.connect(place.home / "store" / "records.sqlite")) as connection, connection:
        connection.execute("DELETE FROM identity")
    with pytest.raises(CorruptRecordError, match="identity"):
        EmbeddedStorage(EmbeddedOptions(), place)


def age(path: Path, days: float) -> None:
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))


def test_old_temporary_files_are_cleared_at_the_opening(place: Place, storage: EmbeddedStorage) -> None:
    folder = place.home / "store" / "tmp"
    for name, days in (("old", 1.1), ("young", 0.9)):
        (folder / name).write_bytes(b"unfinished")
        age(folder / name, days)
    EmbeddedStorage(EmbeddedOptions(), place).close()
    assert [path.name for path in folder.iterdir()] == ["young"]


def test_sweeping_clears_what_unfinished_work_left(place: Place, storage: EmbeddedStorage) -> None:
    whole = storage.write_blob([b"x" * 2 * CHUNK_SIZE]).digest
    path = storage.local_path(whole)
    stray = path.with_name(f"{path.name[:-1]}{'0' if path.name[-1] != '0' else '1'}.chunks")
    stray.write_bytes(b"stray")
    (place.home / "store" / "tmp" / "unfinished").write_bytes(b"tmp")
    assert storage.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert storage.sweep(FUTURE) == 8
    assert not stray.exists()
    with storage.open_blob(whole) as file:
        assert len(file.read()) == 2 * CHUNK_SIZE


def test_a_deleted_blob_leaves_no_file(place: Place, storage: EmbeddedStorage) -> None:
    assert storage.delete_blob(storage.write_blob([b"x" * 2 * CHUNK_SIZE]).digest, FUTURE)
    assert list((place.home / "store" / "blobs").glob("*/*")) == []


def test_only_its_owner_can_read_the_signing_secret(place: Place, storage: EmbeddedStorage) -> None:
    secret = storage.signing_secret()
    path = place.home / "store" / "signing.key"
    assert path.read_bytes() == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.glob("signing*")] == ["signing.key"]


def test_of_threads_that_make_the_signing_secret_all_get_the_same(storage: EmbeddedStorage) -> None:
    barrier, secrets = threading.Barrier(8), list[bytes]()

    def ask() -> None:
        barrier.wait()
        secrets.append(storage.signing_secret())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(secrets) == 8
    assert len(set(secrets)) == 1


def test_a_damaged_signing_secret_is_reported(place: Place, storage: EmbeddedStorage) -> None:
    storage.signing_secret()
    (place.home / "store" / "signing.key").write_bytes(b"short")
    with pytest.raises(CorruptRecordError, match="does not hold 32 bytes"):
        storage.signing_secret()


def test_a_producer_that_fails_to_read_is_not_taken_for_a_failing_disk(storage: EmbeddedStorage) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"some"
        raise FileNotFoundError("the producer's own file")

    with pytest.raises(FileNotFoundError, match="own file"):
        storage.write_blob(pieces())
    assert contents(storage) == {}


def test_no_text_names_a_file_outside_the_folder(place: Place, storage: EmbeddedStorage) -> None:
    victim = place.home / "victim"
    victim.write_text("precious")
    for text in ("../../victim", str(victim), "../records.sqlite", "..", "ab/../../../victim"):
        assert not storage.has_blob(text)
        assert not storage.delete_blob(text, FUTURE)
        with pytest.raises(StorageError):
            storage.local_path(text)
    assert victim.read_text() == "precious"


def test_a_commit_of_many_records_is_one_transaction(storage: EmbeddedStorage) -> None:
    asked: list[str] = []
    with storage._database.connection() as connection:
        connection.set_trace_callback(asked.append)
    storage.commit([Put(f"key/{number}", {}, None) for number in range(50)])
    assert [text for text in asked if text.startswith(("BEGIN", "COMMIT"))] == ["BEGIN IMMEDIATE", "COMMIT"]

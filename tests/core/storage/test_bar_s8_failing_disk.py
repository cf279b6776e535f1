"""S8: a disk that is full or broken gives an error; the old version stays readable, and all is well afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from omcore.errors import CorruptBlobError
from omcore.storage.backend import Place, Put
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.testing.storage.fixtures import contents
from omcore.testing.storage.saboteurs.of_files import WritesInPlace

WRITES = "write,writev,pwrite64"
SYNCS = "fsync,fdatasync"

FAULTS = {
    "no room": (WRITES, "ENOSPC", "StorageFullError", "StorageFullError"),
    "no quota": (WRITES, "EDQUOT", "StorageFullError", "StorageError"),
    "broken writes": (WRITES, "EIO", "StorageError", "StorageError"),
    "broken syncs": (SYNCS, "EIO", "StorageError", "StorageError"),
    "no room at the sync": (SYNCS, "ENOSPC", "StorageFullError", "StorageError"),
    "broken renames": ("rename,renameat", "EIO", "StorageError", "done"),
    "no file beyond a size": ("size", "", "StorageFullError", "StorageError"),
}


def storage_at(home: Path) -> EmbeddedStorage:
    return EmbeddedStorage(EmbeddedOptions(), Place("faulty", home))


def told_by_writer(kind: type[EmbeddedStorage], home: Path, how: str, error: str) -> dict[str, Any]:
    """Store a first version, then let a writer of that kind try a second on a broken disk."""
    with storage_at(home) as storage:
        digest = storage.write_blob([b"old" * 1000]).digest
        storage.commit([Put("version/1", {"blobs": [digest]}, None), Put("head", {"blobs": [digest]}, None)])
    script = str(Path(__file__).with_name("faulty_writer.py"))
    command = [sys.executable, script, kind.__name__, str(home), how, error]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def damaged_blobs(storage: EmbeddedStorage) -> list[str]:
    def is_whole(digest: str) -> bool:
        try:
            storage.local_path(digest)
        except CorruptBlobError:
            return False
        return True

    return [digest for digest in contents(storage) if not is_whole(digest)]


def test_the_check_catches_a_planted_defect(tmp_path: Path) -> None:
    told_by_writer(WritesInPlace, tmp_path, "size", "")
    with storage_at(tmp_path) as storage:
        assert damaged_blobs(storage)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_disk_is_an_error_and_nothing_is_lost(tmp_path: Path, fault: str) -> None:
    how, error, of_blobs, of_commits = FAULTS[fault]
    told = told_by_writer(EmbeddedStorage, tmp_path, how, error)
    assert (told["readable"], told["head"]) == (True, "new" if told["commit"] == "done" else "old")
    assert (told["large"], told["big commit"]) == (of_blobs, of_commits)
    assert {told["small"], told["same"]} <= {of_blobs, "done"}
    assert told["commit"] in {of_commits, "done"}
    with storage_at(tmp_path) as storage:
        head = storage.get_record("head")
        assert head is not None
        assert (storage.get_record("version/2") is not None) == (head.body == {})
        assert damaged_blobs(storage) == []
        assert list((tmp_path / "store" / "tmp").iterdir()) == []
        storage.put_record("head", {"n": 2}, head.revision)
        storage.open_blob(storage.write_blob([b"large" * 800_000]).digest).close()

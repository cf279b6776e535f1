"""S7: whatever is flipped, cut, swapped or edited in an embedded storage is reported and never returned."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from typing import TYPE_CHECKING, BinaryIO

import pytest

from omcore.errors import BlobNotFoundError, CorruptBlobError, CorruptRecordError
from omcore.storage.backend import CHUNK_SIZE, Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.testing.storage.blobs import noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZES = (100, CHUNK_SIZE, 2 * CHUNK_SIZE + 50, 2 * CHUNK_SIZE + 51)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[EmbeddedStorage]:
    with EmbeddedStorage(EmbeddedOptions(path=tmp_path / "store"), Place("damaged", tmp_path)) as storage:
        yield storage


def flip(path: Path, dice: random.Random) -> None:
    with path.open("r+b") as file:
        position = dice.randrange(path.stat().st_size)
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 1 << dice.randrange(8)]))


def cut(path: Path, dice: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(dice.randrange(path.stat().st_size))


def lengthen(path: Path, dice: random.Random) -> None:
    with path.open("ab") as file:
        file.write(dice.randbytes(dice.choice((1, CHUNK_SIZE, 2 * CHUNK_SIZE))))


def swap_bytes(path: Path, dice: random.Random) -> None:
    content = path.read_bytes()
    at = dice.randrange(1, len(content))
    path.write_bytes(content[at:] + content[:at])


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (flip, cut, lengthen, swap_bytes)


def is_reported(storage: EmbeddedStorage, digest: str) -> bool:
    """Whether every way to read the whole blob reports that it is damaged."""
    try:
        with storage.open_blob(digest) as file:
            file.read()
    except CorruptBlobError:
        return True
    return False


class BelievesItsFiles(EmbeddedStorage):
    def open_blob(self, digest: str) -> BinaryIO:
        return (self._path / "blobs" / digest[:2] / digest).open("rb")


def test_the_check_catches_a_planted_defect(storage: EmbeddedStorage, tmp_path: Path) -> None:
    digest = storage.write_blob([noise(100)]).digest
    flip(storage.local_path(digest), random.Random(1))
    with BelievesItsFiles(EmbeddedOptions(path=tmp_path / "store"), Place("damaged", tmp_path)) as believing:
        assert not is_reported(believing, digest)
    assert is_reported(storage, digest)


def test_every_damage_to_a_content_is_reported(storage: EmbeddedStorage, scale: int) -> None:
    dice = random.Random(7)
    paths = [storage.local_path(storage.write_blob([noise(size)]).digest) for size in SIZES]
    for number in range(100 * scale):
        path = paths[number % len(paths)]
        good = path.read_bytes()
        dice.choice(DAMAGES)(path, dice)
        assert path.read_bytes() == good or is_reported(storage, path.name)
        with pytest.raises(CorruptBlobError):
            storage.local_path(path.name)
        path.write_bytes(good)


def test_every_damage_to_chunk_digests_is_reported(storage: EmbeddedStorage, scale: int) -> None:
    dice = random.Random(8)
    digest = storage.write_blob([noise(SIZES[2])]).digest
    beside = storage.local_path(digest).with_name(f"{digest}.chunks")
    good = beside.read_bytes()
    for _ in range(100 * scale):
        dice.choice(DAMAGES)(beside, dice)
        assert is_reported(storage, digest)
        beside.write_bytes(good)
    beside.unlink()
    assert is_reported(storage, digest)


def test_a_blob_in_the_place_of_another_is_reported(storage: EmbeddedStorage) -> None:
    one, two = (storage.local_path(storage.write_blob([noise(size)]).digest) for size in SIZES[2:])
    for suffix in ("", ".chunks"):
        shutil.copy(one.with_name(one.name + suffix), two.with_name(two.name + suffix))
        assert is_reported(storage, two.name)
    assert not is_reported(storage, one.name)


def test_a_blob_without_its_file_is_reported_as_missing(storage: EmbeddedStorage) -> None:
    digest = storage.write_blob([noise(SIZES[2])]).digest
    storage.local_path(digest).unlink()
    with pytest.raises(BlobNotFoundError):
        storage.open_blob(digest)
    with pytest.raises(BlobNotFoundError):
        storage.local_path(digest)


EDITS = (
    """UPDATE record SET body = '{"n":2}' WHERE key = 'a'""",
    """UPDATE record SET body = '{"n": 1}' WHERE key = 'a'""",
    "UPDATE record SET body = '' WHERE key = 'a'",
    "UPDATE record SET body = 'no json' WHERE key = 'a'",
    "UPDATE record SET body = CAST(body AS BLOB) || x'ff' WHERE key = 'a'",
    "UPDATE record SET body = 1 WHERE key = 'a'",
    "UPDATE record SET revision = 'mine' WHERE key = 'a'",
    "UPDATE record SET revision = 1 WHERE key = 'a'",
    "UPDATE record SET checksum = x'00' WHERE key = 'a'",
    "UPDATE record SET checksum = 'text' WHERE key = 'a'",
    "UPDATE record SET (revision, body, checksum) = (SELECT revision, body, checksum FROM record WHERE key = 'b') "
    "WHERE key = 'a'",
    "DELETE FROM record WHERE key = 'a'; UPDATE record SET key = 'a' WHERE key = 'b'",
)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row_is_reported(storage: EmbeddedStorage, tmp_path: Path, edit: str) -> None:
    storage.put_record("a", {"n": 1}, None)
    storage.put_record("b", {"n": 1}, None)
    with contextlib.closing(sqlite3.connect(tmp_path / "store" / "records.sqlite")) as connection:
        connection.executescript(edit)
    with pytest.raises(CorruptRecordError):
        storage.get_record("a")
    with pytest.raises(CorruptRecordError):
        storage.get_records(["a", "b"])
    with pytest.raises(CorruptRecordError):
        storage.find_records("")


def test_a_search_by_value_reports_a_row_that_is_no_json(storage: EmbeddedStorage, tmp_path: Path) -> None:
    storage.put_record("a", {"n": 1}, None)
    with contextlib.closing(sqlite3.connect(tmp_path / "store" / "records.sqlite")) as connection, connection:
        connection.execute("UPDATE record SET body = 'no json'")
    with pytest.raises(CorruptRecordError):
        storage.find_records("", {"n": 1})


def test_a_file_that_is_no_database_is_reported_at_the_opening(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "records.sqlite").write_bytes(b"anything else " * 1000)
    with pytest.raises(CorruptRecordError):
        EmbeddedStorage(EmbeddedOptions(path=tmp_path / "store"), Place("damaged", tmp_path))

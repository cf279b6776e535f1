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
from omcore.testing.storage.tampering import TamperBar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from omcore.testing.storage.fixtures import OpenStorage
    from omcore.testing.storage.tampering import Damage, Edit

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


class BelievesItsFiles(EmbeddedStorage):
    def open_blob(self, digest: str) -> BinaryIO:
        return (self._path / "blobs" / digest[:2] / digest).open("rb")


def at(place: Place, digest: str) -> Path:
    return place.home / "store" / "blobs" / digest[:2] / digest


def in_content(change: Callable[[Path, random.Random], None]) -> Damage:
    def damage(place: Place, digest: str, other: str, dice: random.Random) -> bool:
        path = at(place, digest)
        good = path.read_bytes()
        change(path, dice)
        return path.read_bytes() != good

    return damage


def in_digests(change: Callable[[Path, random.Random], None]) -> Damage:
    """Beside a blob of more than a chunk are the digests of its chunks."""

    def damage(place: Place, digest: str, other: str, dice: random.Random) -> bool:
        path = at(place, f"{digest}.chunks")
        if not path.exists():
            return False
        change(path, dice)
        return True

    return damage


def take_the_other(*suffixes: str) -> Damage:
    def damage(place: Place, digest: str, other: str, dice: random.Random) -> bool:
        pairs = [(at(place, other + suffix), at(place, digest + suffix)) for suffix in suffixes]
        if not all(path.exists() for pair in pairs for path in pair):
            return False
        for theirs, mine in pairs:
            shutil.copy(theirs, mine)
        return True

    return damage


def lose_digests(place: Place, digest: str, other: str, dice: random.Random) -> bool:
    path = at(place, f"{digest}.chunks")
    if not path.exists():
        return False
    path.unlink()
    return True


class TestTampering(TamperBar):
    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        return lambda place: EmbeddedStorage(EmbeddedOptions(), place)

    @pytest.fixture
    def open_believing(self) -> OpenStorage:
        return lambda place: BelievesItsFiles(EmbeddedOptions(), place)

    @pytest.fixture
    def damages(self) -> Mapping[str, Damage]:
        return {
            **{f"{change.__name__} the content": in_content(change) for change in DAMAGES},
            **{f"{change.__name__} the digests": in_digests(change) for change in DAMAGES},
            "take another's content": take_the_other(""),
            "take another's digests": take_the_other(".chunks"),
            "be another": take_the_other("", ".chunks"),
            "lose the digests": lose_digests,
        }

    @pytest.fixture
    def edits(self) -> Mapping[str, Edit]:
        def edit(statements: str) -> Edit:
            def act(place: Place) -> None:
                with contextlib.closing(sqlite3.connect(place.home / "store" / "records.sqlite")) as connection:
                    connection.executescript(statements)

            return act

        return {statements: edit(statements) for statements in EDITS}


def test_a_damaged_content_is_never_handed_out_as_a_file(storage: EmbeddedStorage, scale: int) -> None:
    dice = random.Random(7)
    paths = [storage.local_path(storage.write_blob([noise(size)]).digest) for size in SIZES]
    for number in range(40 * scale):
        path = paths[number % len(paths)]
        good = path.read_bytes()
        dice.choice(DAMAGES)(path, dice)
        with pytest.raises(CorruptBlobError):
            storage.local_path(path.name)
        path.write_bytes(good)


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

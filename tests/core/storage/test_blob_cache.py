"""Copies of blobs that are far away: what is fetched, what is kept, what goes, and what a broken copy does: nothing."""

from __future__ import annotations

import io
import logging
import os
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omcore.errors import BlobNotFoundError, CorruptBlobError, StorageError
from omcore.storage.backend import CHUNK_SIZE, Place, SupportsKey, SupportsWatch
from omcore.storage.cached import CachedStorage, cached, uncached
from omcore.storage.embedded import EmbeddedOptions
from omcore.testing.storage.blobs import noise
from omcore.testing.storage.fixtures import FUTURE, summary
from tests.core.storage.far import FarStorage, far, flip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROOM = 1 << 30
SIZES = (1, 100, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE + 7, 9 * CHUNK_SIZE)
LARGE = 3 * CHUNK_SIZE + 7


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("far", tmp_path / "far")


@pytest.fixture
def storage(place: Place) -> Iterator[CachedStorage]:
    with opened(place) as storage:
        yield storage


def opened(place: Place, room: int = ROOM) -> CachedStorage:
    return cached(far(place), place.home / "cache", room)


def backend(storage: CachedStorage) -> FarStorage:
    assert isinstance(storage.backend, FarStorage)
    return storage.backend


def fetched(storage: CachedStorage, read: Callable[[], object]) -> int:
    """How many bytes had to be fetched for something."""
    before = backend(storage).fetched
    read()
    return backend(storage).fetched - before


def read(storage: CachedStorage, digest: str) -> bytes:
    with storage.open_blob(digest) as file:
        return file.read()


def by_pieces(storage: CachedStorage, digest: str) -> bytes:
    with storage.open_blob(digest) as file:
        return b"".join(iter(lambda: file.read(100_000), b""))


def into_memory(storage: CachedStorage, digest: str) -> bytes:
    target = bytearray(20 * CHUNK_SIZE)
    with storage.open_blob(digest) as file:
        done = 0
        while count := file.readinto(memoryview(target)[done:]):  # type: ignore[attr-defined]
            done += count
    return bytes(target[:done])


def mapped(storage: CachedStorage, digest: str) -> bytes:
    path = storage.copy_path(digest, fetch=True)
    assert path is not None
    return path.read_bytes()


WAYS: dict[str, Callable[[CachedStorage, str], bytes]] = {
    "read": read,
    "by pieces": by_pieces,
    "into memory": into_memory,
    "mapped": mapped,
}


def copy_of(place: Place, digest: str) -> Path:
    return place.home / "cache" / "blobs" / digest[:2] / digest


def copies(place: Place) -> dict[str, int]:
    """The digests of the copies, and their bytes."""
    return {path.name: path.stat().st_size for path in place.home.glob("cache/blobs/??/*") if len(path.name) == 64}


def age(place: Place, digest: str, seconds: float) -> None:
    """Let a copy be as if nobody had asked for it for so long."""
    then = time.time() - seconds
    os.utime(copy_of(place, digest), (then, then))


# --- what is fetched


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", SIZES)
def test_what_was_read_as_a_whole_is_fetched_once(storage: CachedStorage, size: int, way: str, tells: bool) -> None:
    backend(storage).tells = tells
    content = noise(size)
    digest = storage.write_blob([content]).digest
    assert fetched(storage, lambda: WAYS[way](storage, digest)) == size
    for again in WAYS.values():
        assert fetched(storage, lambda again=again: again(storage, digest)) == 0  # type: ignore[misc]
        assert summary(again(storage, digest)) == summary(content)


def test_writing_makes_no_copy(storage: CachedStorage, place: Place) -> None:
    storage.write_blob([noise(100)])
    assert copies(place) == {}


def test_an_empty_blob_is_read_as_it_is(storage: CachedStorage) -> None:
    digest = storage.write_blob([]).digest
    assert (read(storage, digest), storage.copy_path(digest, fetch=True)) == (b"", None)


def test_of_what_is_read_in_part_only_the_chunks_that_it_touches_are_fetched(
    storage: CachedStorage, place: Place
) -> None:
    content = noise(9 * CHUNK_SIZE)
    digest = storage.write_blob([content]).digest

    def some() -> None:
        with storage.open_blob(digest) as file:
            for start, length in ((8 * CHUNK_SIZE + 5, 100), (2 * CHUNK_SIZE - 1, 2), (8 * CHUNK_SIZE, CHUNK_SIZE)):
                file.seek(start)
                assert file.read(length) == content[start : start + length]

    assert fetched(storage, some) == 3 * CHUNK_SIZE
    assert storage.copy_path(digest, fetch=False) is None
    assert copies(place) == {}
    assert not list((place.home / "cache" / "tmp").iterdir())


def test_chunks_that_were_read_in_any_order_are_a_copy_in_the_end(storage: CachedStorage) -> None:
    digest = storage.write_blob([noise(LARGE)]).digest

    def backwards() -> None:
        with storage.open_blob(digest) as file:
            for chunk in (3, 1, 1, 3, 0, 2):
                file.seek(chunk * CHUNK_SIZE)
                file.read(10)

    assert fetched(storage, backwards) == LARGE
    path = storage.copy_path(digest, fetch=False)
    assert path is not None
    assert summary(path.read_bytes()) == summary(noise(LARGE))


@settings(max_examples=25)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, LARGE + 5), st.sampled_from([0, 1, 100, CHUNK_SIZE, 2 * CHUNK_SIZE, -1])), max_size=8
    ),
    kept=st.booleans(),
)
def test_any_reads_give_what_a_file_in_memory_gives(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], kept: bool
) -> None:
    content = noise(LARGE)
    place = Place("far", tmp_path_factory.mktemp("far"))
    with opened(place) as storage:
        digest = storage.write_blob([content]).digest
        if kept:
            read(storage, digest)
        model = io.BytesIO(content)
        with storage.open_blob(digest) as file:
            for start, length in steps:
                assert (file.seek(start), file.tell()) == (model.seek(start), start)
                assert summary(file.read(length)) == summary(model.read(length))
                assert file.tell() == model.tell()
        assert summary(read(storage, digest)) == summary(content)


def test_a_blob_that_is_not_there_is_reported_as_such(storage: CachedStorage) -> None:
    for way in (storage.open_blob, lambda digest: storage.copy_path(digest, fetch=True)):
        with pytest.raises(BlobNotFoundError):
            way("0" * 64)
    assert storage.copy_path("0" * 64, fetch=False) is None


@pytest.mark.parametrize("way", WAYS)
def test_damage_far_away_is_reported_and_leaves_no_copy(storage: CachedStorage, place: Place, way: str) -> None:
    digest = storage.write_blob([noise(LARGE)]).digest
    flip(place.home / "store" / "blobs" / digest[:2] / digest, 2 * CHUNK_SIZE)
    with pytest.raises(CorruptBlobError):
        WAYS[way](storage, digest)
    assert copies(place) == {}


def test_a_closed_storage_gives_no_copies_either(place: Place) -> None:
    with opened(place) as storage:
        digest = storage.write_blob([b"content"]).digest
        read(storage, digest)
    for use in (storage.open_blob, lambda digest: storage.copy_path(digest, fetch=True)):
        with pytest.raises(StorageError, match="closed"):
            use(digest)


def test_what_was_deleted_here_has_no_copy_here(storage: CachedStorage) -> None:
    digest = storage.write_blob([b"content"]).digest
    read(storage, digest)
    assert storage.delete_blob(digest, FUTURE)
    with pytest.raises(BlobNotFoundError):
        storage.open_blob(digest)


def test_what_somebody_else_deleted_is_read_from_its_copy(storage: CachedStorage) -> None:
    digest = storage.write_blob([b"content"]).digest
    read(storage, digest)
    assert uncached(storage).delete_blob(digest, FUTURE)
    assert read(storage, digest) == b"content"
    assert not storage.has_blob(digest)


# --- copies that are broken


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _drop_chunks(path: Path) -> None:
    path.with_name(f"{path.name}.chunks").unlink(missing_ok=True)


def _damage_chunks(path: Path) -> None:
    beside = path.with_name(f"{path.name}.chunks")
    if beside.exists():
        flip(beside, 50)


def _swap(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "the first bit": lambda path: flip(path, 0),
    "the last bit": lambda path: flip(path, path.stat().st_size - 1),
    "too short": _truncate,
    "empty": _empty,
    "too long": _lengthen,
    "no chunk digests": _drop_chunks,
    "other chunk digests": _damage_chunks,
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [100, LARGE])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_copy_is_fetched_again(storage: CachedStorage, place: Place, damage: str, size: int, way: str) -> None:
    content = noise(size)
    digest = storage.write_blob([content]).digest
    read(storage, digest)
    DAMAGE[damage](copy_of(place, digest))
    assert summary(WAYS[way](storage, digest)) == summary(content)
    assert summary(WAYS[way](storage, digest)) == summary(content)
    assert fetched(storage, lambda: WAYS[way](storage, digest)) == 0


def test_a_copy_that_breaks_under_a_reader_goes_on_as_the_blob(storage: CachedStorage, place: Place) -> None:
    content = noise(9 * CHUNK_SIZE)
    digest = storage.write_blob([content]).digest
    read(storage, digest)
    with storage.open_blob(digest) as file:
        assert file.read(10) == content[:10]
        for chunk in (3, 5, 8):
            flip(copy_of(place, digest), chunk * CHUNK_SIZE)
        assert summary(file.read()) == summary(content[10:])


def test_no_copy_at_all_because_a_folder_is_in_its_place(storage: CachedStorage, place: Place) -> None:
    digest = storage.write_blob([noise(100)]).digest
    read(storage, digest)
    _swap(copy_of(place, digest))
    assert summary(read(storage, digest)) == summary(noise(100))


def test_a_cache_that_somebody_cleared_away_is_filled_again(storage: CachedStorage, place: Place) -> None:
    digest = storage.write_blob([noise(LARGE)]).digest
    read(storage, digest)
    shutil.rmtree(place.home / "cache")
    for _ in range(3):
        assert summary(read(storage, digest)) == summary(noise(LARGE))
    assert fetched(storage, lambda: read(storage, digest)) == 0


# --- where nothing can be kept


@pytest.mark.parametrize("way", ["read", "by pieces", "into memory"])
def test_without_a_folder_all_is_read_from_far_away_and_said_once(
    place: Place, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(place) as storage, caplog.at_level(logging.WARNING):
        (place.home / "cache").write_text("no folder")
        for size in (100, LARGE):
            digest = storage.write_blob([noise(size)]).digest
            for _ in range(2):
                assert summary(WAYS[way](storage, digest)) == summary(noise(size))
                assert storage.copy_path(digest, fetch=True) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no copies of blobs can be kept in" in caplog.text


def test_what_is_larger_than_the_cache_is_not_kept(place: Place) -> None:
    with opened(place, LARGE - 1) as storage:
        digest = storage.write_blob([noise(LARGE)]).digest
        assert storage.copy_path(digest, fetch=True) is None
        assert summary(read(storage, digest)) == summary(noise(LARGE))
        assert copies(place) == {}


# --- room


def test_what_was_not_asked_for_the_longest_goes_first(place: Place) -> None:
    with opened(place, 10_000) as storage:
        digests = [storage.write_blob([noise(1000, number)]).digest for number in range(11)]
        for number, digest in enumerate(digests[:10]):
            read(storage, digest)
            age(place, digest, 1000 - number)
        read(storage, digests[0])
        assert fetched(storage, lambda: read(storage, digests[10])) == 1000
        assert set(copies(place)) == {digests[0], *digests[3:]}


@settings(max_examples=15)
@given(data=st.data(), room=st.integers(1, 5000))
def test_copies_never_take_more_than_their_room(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, room: int
) -> None:
    place = Place("far", tmp_path_factory.mktemp("far"))
    with opened(place, room) as storage:
        digests = [storage.write_blob([noise(500 * number + 1, number)]).digest for number in range(6)]
        for number in data.draw(st.lists(st.integers(0, 5), max_size=30)):
            assert summary(read(storage, digests[number])) == summary(noise(500 * number + 1, number))
            assert sum(copies(place).values()) <= room


@pytest.mark.parametrize("way", WAYS)
def test_a_burst_of_reads_takes_no_more_than_the_room(place: Place, way: str) -> None:
    with opened(place, 5000) as storage:
        for number in range(20):
            digest = storage.write_blob([noise(2000, number)]).digest
            assert summary(WAYS[way](storage, digest)) == summary(noise(2000, number))
            assert digest in copies(place)
            assert sum(copies(place).values()) <= 5000


def test_what_was_just_copied_stays_however_large_it_is(place: Place) -> None:
    with opened(place, 3000) as storage:
        digests = [storage.write_blob([noise(2999, number)]).digest for number in range(3)]
        for digest in digests:
            path = storage.copy_path(digest, fetch=True)
            assert path is not None
            assert list(copies(place)) == [path.name] == [digest]


def test_who_has_a_copy_open_reads_on_when_it_goes(place: Place) -> None:
    with opened(place, 5 * CHUNK_SIZE) as storage:
        first, second = (storage.write_blob([noise(LARGE, number)]).digest for number in range(2))
        read(storage, first)
        with storage.open_blob(first) as file:
            assert file.read(10) == noise(LARGE)[:10]
            read(storage, second)
            assert set(copies(place)) == {second}
            assert summary(file.read()) == summary(noise(LARGE)[10:])


def test_a_size_that_was_lost_is_counted_again(place: Place) -> None:
    with opened(place, 10_000) as storage:
        digests = [storage.write_blob([noise(4000, number)]).digest for number in range(3)]
        for text in ("", "nonsense"):
            for digest in digests:
                (place.home / "cache" / "size").parent.mkdir(exist_ok=True)
                (place.home / "cache" / "size").write_text(text)
                read(storage, digest)
        assert sum(copies(place).values()) <= 10_000


# --- several at once


def test_threads_that_fill_the_same_copy_all_read_the_same(storage: CachedStorage, place: Place) -> None:
    digests = [storage.write_blob([noise(LARGE, number)]).digest for number in range(3)]
    dice = random.Random(1)
    work = [(way, digest) for way in WAYS.values() for digest in digests for _ in range(4)]
    dice.shuffle(work)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda each: summary(each[0](storage, each[1])) == (LARGE, each[1]), work)
        assert all(found)
    assert copies(place) == dict.fromkeys(digests, LARGE)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_and_fills(storage: CachedStorage, place: Place) -> None:
    first, second = (storage.write_blob([noise(LARGE, number)]).digest for number in range(2))
    read(storage, first)
    child = os.fork()
    if child == 0:  # pragma: no cover -- the child is not measured
        status = 1
        try:
            sound = [summary(way(storage, digest)) for way in WAYS.values() for digest in (first, second)]
            status = 0 if {each[1] for each in sound} == {first, second} else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fetched(storage, lambda: read(storage, second)) == 0


# --- what else the backend can do


class Watched(FarStorage):
    def wait_for_change(self, prefix: str, timeout: float) -> bool:
        return prefix == "yes"


class Keyless(FarStorage):
    signing_secret = None  # type: ignore[assignment] # so that it keeps no key


@pytest.mark.parametrize(
    ("kind", "keyed", "watching"), [(FarStorage, True, False), (Watched, True, True), (Keyless, False, False)]
)
def test_what_the_backend_supports_is_supported(
    place: Place, kind: type[FarStorage], keyed: bool, watching: bool
) -> None:
    with cached(kind(EmbeddedOptions(durability="process"), place), place.home / "cache", ROOM) as storage:
        assert (isinstance(storage, SupportsKey), isinstance(storage, SupportsWatch)) == (keyed, watching)
        if isinstance(storage, SupportsKey):
            assert len(storage.signing_secret()) == 32
        if isinstance(storage, SupportsWatch):
            assert (storage.wait_for_change("yes", 0), storage.wait_for_change("no", 0)) == (True, False)
        assert isinstance(uncached(storage), kind)
        assert uncached(uncached(storage)) is uncached(storage)

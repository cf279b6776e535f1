"""Processes that share a cache: they fill it at once, are killed while they do, and meet a disk that is full."""

from __future__ import annotations

import os
import random
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from omcore.storage.backend import CHUNK_SIZE, Place
from omcore.storage.cached import cached
from omcore.testing.storage.blobs import noise
from omcore.testing.storage.fixtures import summary
from tests.core.storage.far import far

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omcore.storage.cached import CachedStorage

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

SIZES = (100, CHUNK_SIZE + 1, 9 * CHUNK_SIZE)
ROOM = 12 * CHUNK_SIZE


def opened(place: Place, room: int = ROOM) -> CachedStorage:
    return cached(far(place), place.home / "cache", room)


def forked(act: Callable[[], None]) -> int:
    """A child that does something and ends; its process id."""
    child = os.fork()
    if child == 0:  # pragma: no cover -- the child is not measured
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def content_of_copy(storage: CachedStorage, digest: str) -> bytes:
    """What is in the file of a copy, or in the blob where another process has removed the copy just now."""
    path = storage.copy_path(digest, fetch=True)
    assert path is not None
    try:
        return path.read_bytes()
    except FileNotFoundError:
        with storage.open_blob(digest) as file:
            return file.read()


def read_all(place: Place, digests: list[str], rounds: int, told: int | None = None, seed: int = 0) -> None:
    """Read blobs in ways that dice choose, and fail if one is not itself."""
    dice = random.Random(seed)
    with opened(place) as storage:
        for _ in range(rounds):
            digest = dice.choice(digests)
            if dice.random() < 0.5:
                content = content_of_copy(storage, digest)
            else:
                with storage.open_blob(digest) as file:
                    first = file.read(dice.choice([0, 100, CHUNK_SIZE]))
                    if told is not None:
                        os.write(told, b".")
                    content = first + file.read()
            assert summary(content)[1] == digest
            if told is not None:
                os.write(told, b".")


def written(place: Place) -> list[str]:
    with opened(place) as storage:
        return [storage.write_blob([noise(size, number)]).digest for size in SIZES for number in range(2)]


def test_processes_that_fill_and_clear_the_same_cache_read_what_is_there(tmp_path: Path, scale: int) -> None:
    place = Place("far", tmp_path / "far")
    digests = written(place)
    children = [
        forked(lambda seed=seed: read_all(place, digests, 15 * scale, seed=seed))  # type: ignore[misc]
        for seed in range(4)
    ]
    assert [ended(child) for child in children] == [0] * 4


def test_who_is_killed_while_it_fills_leaves_no_half_copy(tmp_path: Path, scale: int) -> None:
    place = Place("far", tmp_path / "far")
    digests = written(place)
    dice = random.Random(1)
    for seed in range(15 * scale):
        told, tell = os.pipe()
        child = forked(lambda tell=tell, seed=seed: read_all(place, digests, 1000, tell, seed))  # type: ignore[misc]
        for _ in range(dice.randrange(1, 12)):
            assert os.read(told, 1)
        os.kill(child, signal.SIGKILL)
        assert ended(child) == -signal.SIGKILL
        os.close(told)
        os.close(tell)
        for path in place.home.glob("cache/blobs/??/*"):
            if len(path.name) == 64:
                assert summary(path.read_bytes())[1] == path.name
        read_all(place, digests, 3, seed=seed)


def test_what_a_killed_process_left_is_cleared_away_in_time(tmp_path: Path) -> None:
    place = Place("far", tmp_path / "far")
    digest = written(place)[-1]

    def read_half_and_die() -> None:
        with opened(place) as storage, storage.open_blob(digest) as file:
            file.read(5 * CHUNK_SIZE)
            os.kill(os.getpid(), signal.SIGKILL)

    assert ended(forked(read_half_and_die)) == -signal.SIGKILL
    (left,) = (place.home / "cache" / "tmp").iterdir()
    os.utime(left, (0, 0))
    with opened(place) as storage, storage.open_blob(digest) as file:
        file.read(1)
        assert not left.exists()


def test_on_a_full_disk_all_is_read_from_far_away(tmp_path: Path) -> None:
    """A limit on the size of a file stands for the end of the disk: the writes fail, some with half of them done."""
    place = Place("far", tmp_path / "far")
    digests = written(place)

    def read_on_a_full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK_SIZE + 100, CHUNK_SIZE + 100))
        with opened(place) as storage:
            assert storage.copy_path(digests[-1], fetch=True) is None
            for digest in digests:
                for _ in range(2):
                    with storage.open_blob(digest) as file:
                        content = file.read(10)
                        content += file.read()
                    assert summary(content)[1] == digest
        assert not list((place.home / "cache" / "tmp").iterdir())

    assert ended(forked(read_on_a_full_disk)) == 0

"""Kill a writer with SIGKILL at random moments, again and again, and look at what it leaves.

The writer publishes versions as the core does: a blob, then a version record and the head that points at it in one
commit, and only then it says so through a pipe. After each kill the storage is opened anew, and

- nothing may be *torn*: every version up to the head is there, and so is its blob, whole; no other blob is half there;
- nothing may be *lost*: a version that was acknowledged is at or below the head.

    crashes = list(islice(kill_writers(partial(MyStorage, options, place), seed=1), 200))
    assert not any(crash.problems for crash in crashes)
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, TypeAlias

from omcore.errors import StorageError
from omcore.storage.backend import REFERENCES_FIELD, Change, Delete, Put, StorageBackend
from omcore.storage.digests import digest_of
from omcore.storage.gc import collect
from omcore.testing.storage.fixtures import contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OpenAnywhere: TypeAlias = Callable[[], StorageBackend]
"""Opens the storage under test in any process: it can be pickled, as a `functools.partial` of a class can."""

SIZES = (300, 60_000, 1_300_000, 4_000_000)
"""Bytes of the versions: within one chunk, and over several; each size has a head of its own."""

LONGEST = 0.15
"""Seconds until the kill, at most: of every third writer from its start, of the others from their first version."""

PATIENCE = 60.0
"""Seconds to wait for the first version, on a machine that is busy."""

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Crash:
    """What one kill showed.

    Attributes:
        acknowledged: versions that the writer said were stored.
        problems: what was torn or lost, a sentence each.
    """

    acknowledged: int
    problems: tuple[str, ...]


def kill_writers(open_storage: OpenAnywhere, seed: int) -> Iterator[Crash]:
    """Start a writer, kill it, look at the storage; for ever, so take as many as you need.

    Args:
        open_storage: opens the same storage in every process.
        seed: of the moments at which writers are killed.
    """
    dice = random.Random(seed)  # noqa: S311 -- not a secret
    heads = dict.fromkeys(SIZES, 0)
    for number in itertools.count():
        acknowledged = _kill_one(open_storage, dice.uniform(0, LONGEST), 0 if number % 3 == 0 else PATIENCE)
        heads |= dict(acknowledged)
        with open_storage() as storage:
            yield Crash(len(acknowledged), (*lost(storage, heads), *torn(storage, SIZES), *torn_blobs(storage)))
            heads |= {size: _current(storage, size) for size in SIZES}
            _drop_old_versions(storage)


def _kill_one(open_storage: OpenAnywhere, lifetime: float, patience: float) -> list[tuple[int, int]]:
    """Let a writer live for some seconds; return the sizes and versions that it acknowledged, in order."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    receiver, sender = context.Pipe(duplex=False)
    writer = context.Process(target=_write_for_ever, args=(open_storage, sender), daemon=True)
    writer.start()
    sender.close()
    acknowledged = _received(receiver, patience)
    end = time.monotonic() + lifetime
    while (rest := end - time.monotonic()) > 0:
        acknowledged += _received(receiver, rest)
    writer.kill()
    writer.join()
    while late := _received(receiver, 0):
        acknowledged += late
    writer.close()
    receiver.close()
    return acknowledged


def _received(receiver: Connection, timeout: float) -> list[tuple[int, int]]:
    try:
        return [receiver.recv()] if wait([receiver], timeout) else []
    except EOFError:
        return []


def _write_for_ever(open_storage: OpenAnywhere, sender: Connection) -> None:
    storage = open_storage()
    for size in itertools.cycle(SIZES):
        sender.send((size, write_next(storage, size)))


def write_next(storage: StorageBackend, size: int) -> int:
    """Publish the next version of that size as the core does, and return its number."""
    head = storage.get_record(f"head/{size}")
    version = head.body["version"] + 1 if head else 1
    content = memoryview(_content(size, version))
    blob = storage.write_blob(content[at : at + _PIECE] for at in range(0, size, _PIECE))
    changes = [
        Put(_version_key(size, version), {REFERENCES_FIELD: [blob.digest]}, None),
        Put(f"head/{size}", {"version": version}, head.revision if head else None),
    ]
    storage.commit(changes)
    return version


def _content(size: int, version: int) -> bytes:
    # The same for every writer: a version that was interrupted is written again, over whatever the first try left.
    return version.to_bytes(4, "big") * (size // 4)


def _version_key(size: int, version: int) -> str:
    return f"version/{size}/{version:09}"


def _current(storage: StorageBackend, size: int) -> int:
    head = storage.get_record(f"head/{size}")
    return int(head.body["version"]) if head else 0


def lost(storage: StorageBackend, acknowledged: Mapping[int, int]) -> Iterator[str]:
    """What was acknowledged, as the latest version of each size, and is not there."""
    for size, version in acknowledged.items():
        if (found := _current(storage, size)) < version:
            yield f"version {version} of size {size} was acknowledged, but the head is at {found}"


def torn(storage: StorageBackend, sizes: Iterable[int]) -> Iterator[str]:
    """What is not whole of the current versions of these sizes."""
    for size in sizes:
        if version := _current(storage, size):
            yield from _torn_version(storage, size, version)


def torn_blobs(storage: StorageBackend) -> Iterator[str]:
    """Blobs that are there in part."""
    yield from (f"blob {digest} is not whole" for digest in contents(storage) if not _is(storage, digest, digest))


def _torn_version(storage: StorageBackend, size: int, version: int) -> Iterator[str]:
    record = storage.get_record(_version_key(size, version))
    if record is None:
        yield f"the head of size {size} points at version {version}, which is not there"
    elif not _is(storage, record.body[REFERENCES_FIELD][0], digest_of(_content(size, version))):
        yield f"version {version} of size {size} does not have the bytes that it was written with"


def _is(storage: StorageBackend, digest: str, expected: str) -> bool:
    try:
        with storage.open_blob(digest) as file:
            return digest_of(file.read()) == expected
    except StorageError:
        return False


def _drop_old_versions(storage: StorageBackend) -> None:
    """Delete all but the current versions and their blobs, so that a long run fits on a disk."""
    current = {_version_key(size, _current(storage, size)) for size in SIZES}
    old: Iterable[Change] = [
        Delete(record.key, record.revision)
        for record in storage.scan_records("version/", fields=())
        if record.key not in current
    ]
    storage.commit(list(old))
    collect(storage, timedelta(days=-1))

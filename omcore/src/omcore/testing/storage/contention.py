"""Let several processes do something to one storage at the same moment."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from omcore.errors import ConflictError
from omcore.storage.backend import REFERENCES_FIELD, StorageBackend
from omcore.storage.digests import digest_of
from omcore.storage.gc import collect
from omcore.testing.storage.fixtures import moment
from omcore.testing.storage.saboteurs.shadow import Shadow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier

    from omcore.storage.backend import BlobInfo
    from omcore.testing.storage.crash import OpenAnywhere

Act: TypeAlias = Callable[[StorageBackend], Any]
"""What one process does; its result can be pickled."""


def in_processes(open_storage: OpenAnywhere, acts: Sequence[Act]) -> list[Any]:
    """Open the storage in several processes at once, do one thing in each, and return what came of each.

    Args:
        open_storage: opens the storage; it can be pickled.
        acts: what to do, one for each process; each can be pickled, as a function of a module can.

    Raises:
        Exception: what the first process that failed raised.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    barrier = context.Barrier(len(acts))
    receivers = []
    for act in acts:
        receiver, sender = context.Pipe(duplex=False)
        context.Process(target=_act, args=(open_storage, act, barrier, sender), daemon=True).start()
        sender.close()
        receivers.append(receiver)
    results = [_result(receiver) for receiver in receivers]
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def _act(open_storage: OpenAnywhere, act: Act, barrier: Barrier, sender: Connection) -> None:
    barrier.wait()
    try:
        with open_storage() as storage:
            sender.send(act(storage))
    except Exception as error:
        sender.send(error)
        raise


def _result(receiver: Connection) -> Any:
    with receiver:
        try:
            return receiver.recv()
        except EOFError as error:
            return error


def count_up(storage: StorageBackend, increments: int = 25) -> int:
    """Increase a counter by compare-and-set that many times; return how often it was seen to go backwards."""
    done = backwards = seen = 0
    while done < increments:
        record = storage.get_record("counter")
        number = record.body["n"] if record else 0
        backwards += number < seen
        try:
            storage.put_record("counter", {"n": number + 1}, record.revision if record else None)
        except ConflictError:
            seen = number
        else:
            done, seen = done + 1, number + 1
    return backwards


def identify(storage: StorageBackend) -> str:
    """Leave a record of one's own, and tell the identity of the storage."""
    while True:
        number = len(storage.find_records("visitor/")) + 1
        try:
            storage.put_record(f"visitor/{number:04}", {}, None)
        except ConflictError:
            continue
        return storage.identity


def orphan(number: int) -> bytes:
    """The content of a blob that nothing refers to, until `adopt_orphans` does."""
    return b"orphan %d" % number


def adopt_orphans(storage: StorageBackend, number: int) -> int:
    """Refer to that many orphans, from the last to the first, and write again those that are gone already.

    It begins when `collect_until_adopted` does.
    """
    written = 0
    while storage.get_record("collecting") is None:
        time.sleep(0.001)
    for at in reversed(range(number)):
        digest = digest_of(orphan(at))
        if not storage.has_blob(digest):
            storage.write_blob([orphan(at)])
            written += 1
        storage.put_record(f"adopted/{at:06}", {REFERENCES_FIELD: [digest]}, None)
    return written


def collect_until_adopted(storage: StorageBackend, number: int, before: datetime) -> int:
    """Collect the garbage from before that time again and again until all orphans are adopted; return how many went."""
    deleted = 0
    storage.put_record("collecting", {}, None)
    while len(storage.find_records("adopted/", limit=number + 1, fields=())) < number:
        deleted += collect(_Aged(storage, before)).deleted
    return deleted


class _Aged(Shadow):
    """Takes one time for the end of the grace period, whatever the clock says."""

    def __init__(self, honest: StorageBackend, before: datetime) -> None:
        super().__init__(honest)
        self._before = before

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:  # noqa: ARG002 - the clock's
        return self.honest.find_blobs(self._before)

    def delete_blob(self, digest: str, older_than: datetime) -> bool:  # noqa: ARG002
        return self.honest.delete_blob(digest, self._before)

    def sweep(self, older_than: datetime) -> int:  # noqa: ARG002
        return self.honest.sweep(self._before)


# --- what came of it


def counted(open_storage: OpenAnywhere, increments: int, processes: int = 4) -> tuple[int, int]:
    """What several processes count to when each makes that many increments, and how often they see it go backwards."""
    backwards = in_processes(open_storage, [partial(count_up, increments=increments)] * processes)
    with open_storage() as storage:
        record = storage.get_record("counter")
        return (record.body["n"] if record else 0), sum(backwards)


def missing_after_collection(open_storage: OpenAnywhere, number: int) -> tuple[list[int], int]:
    """Which adopted orphans are gone, after one process adopted old ones while another deleted so many as garbage."""
    with open_storage() as storage:
        for at in range(number):
            storage.write_blob([orphan(at)])
    collector = partial(collect_until_adopted, number=number, before=moment())
    _, deleted = in_processes(open_storage, [partial(adopt_orphans, number=number), collector])
    with open_storage() as storage:
        adopted = {int(record.key.rpartition("/")[2]) for record in storage.scan_records("adopted/", fields=())}
        lost = {at for at in range(number) if not storage.has_blob(digest_of(orphan(at)))}
        return sorted(lost | (set(range(number)) - adopted)), deleted


def identities(open_storage: OpenAnywhere, processes: int = 16) -> set[str]:
    """Which identities of a new storage so many processes see that open it at once; each leaves a record of its own."""
    found = set(in_processes(open_storage, [identify] * processes))
    with open_storage() as storage:
        visitors = len(storage.find_records("visitor/"))
    return found if visitors == processes else {*found, f"{visitors} records of {processes} processes"}

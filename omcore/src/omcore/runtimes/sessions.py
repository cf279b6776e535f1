"""Which processes live: each that answers for deliveries keeps a small record, whose time it moves on."""

from __future__ import annotations

import os
import platform
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from omcore.errors import ConflictError
from omcore.storage.backend import Delete

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.storage.backend import StorageBackend

PREFIX = "sessions/"

LIFETIME = 30.0
"""Seconds after its last sign of life that a process is taken for dead."""

BEAT = 10.0
"""Seconds between two signs of life."""


class Session:
    """This process, as others see it in the store. It has a record from its first `open` to `close`."""

    def __init__(self, storage: StorageBackend, clock: Callable[[], float], name: str = "") -> None:
        """Open nothing yet.

        Args:
            storage: where others see it.
            clock: seconds since the epoch.
            name: its id, where it has one by which others know it; else one is made up.
        """
        self.id = name or uuid4().hex
        self._storage = storage
        self._now = clock
        self._lock = Lock()
        self._revision: str | None = None
        self._next = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it has a record."""
        return self._revision is not None

    def open(self) -> str:
        """Make sure that others see this process; return its id."""
        if not self.is_open:
            self.beat()
        return self.id

    def beat(self) -> None:
        """Give a sign of life, where it is time for one."""
        with self._lock:
            if self.is_open and self._now() < self._next:
                return
            body = {"host": platform.node(), "pid": os.getpid(), "until": self._now() + LIFETIME}
            try:
                self._revision = self._storage.put_record(PREFIX + self.id, body, self._revision)
            except ConflictError as error:  # somebody took it for dead and cleared it away
                self._revision = self._storage.put_record(PREFIX + self.id, body, error.found)
            self._next = self._now() + BEAT

    def close(self) -> None:
        """Others see that this process is gone."""
        with self._lock:
            if self._revision is not None:
                revision, self._revision = self._revision, None
                try:
                    self._storage.commit([Delete(PREFIX + self.id, revision)])
                except ConflictError:  # it was cleared away already
                    return


def living(storage: StorageBackend, now: float) -> frozenset[str]:
    """The ids of the processes that live; records of those long dead are cleared away."""
    found = list(storage.scan_records(PREFIX, None, ("until",)))
    for record in found:
        if record.body["until"] + 10 * LIFETIME < now:
            try:
                storage.commit([Delete(record.key, record.revision)])
            except ConflictError:
                continue
    return frozenset(record.key.removeprefix(PREFIX) for record in found if record.body["until"] >= now)


def has_ended(storage: StorageBackend, session: str) -> bool:
    """Whether a process is gone for certain: it was closed, or it was one of this machine and is no more."""
    record = storage.get_record(PREFIX + session) if session else None
    return record is None or is_gone(f"{record.body['host']}:{record.body['pid']}")


def worker_id() -> str:
    """This process, as `host:pid`: a worker's name, for people and for others on this machine."""
    return f"{platform.node()}:{os.getpid()}"


def is_gone(process: str) -> bool:
    """Whether a process, as `host:pid`, was one of this machine and is no more."""
    return is_here(process) and not lives_here(process)


def lives_here(process: str) -> bool:
    """Whether a process, as `host:pid`, is a living one of this machine."""
    import psutil

    return is_here(process) and psutil.pid_exists(int(process.rpartition(":")[2]))


def is_here(process: str) -> bool:
    """Whether a process, as `host:pid`, is or was one of this machine."""
    host, _, pid = process.rpartition(":")
    return host == platform.node() and pid.isdecimal()

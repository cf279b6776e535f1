"""The side of the workers: a pool that takes deliveries from every client that knows the key."""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from typing import TYPE_CHECKING, Self

from omcore.errors import ConfigurationError
from omcore.runtimes.group.meeting import identity_of
from omcore.runtimes.group.session import Session
from omcore.runtimes.group.wire import Wire
from omcore.runtimes.pool import Pool
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from omcore.runtimes.backend import Delivery, EngineHandle, WorkerEntry, WorkerInfo
    from omcore.runtimes.group.meeting import Meeting

BACKLOG = 64
"""Clients that may knock at the same time."""

MOST_CLIENTS = 500
"""Clients above which nobody is let in: each costs two threads."""

PAUSE = 0.1
"""Seconds before a door that could not be opened is tried again."""

STOPPING = "the group of workers is being stopped"


def _listening(address: Path) -> Listener:
    try:
        return Listener(str(address), "AF_UNIX", BACKLOG)
    except OSError as error:
        message = f"no group of workers can wait for clients at {address}: {reason(error)}"
        raise ConfigurationError(message) from error


class Group:
    """Worker processes that the clients of a context share.

    Several groups of one context may live at once, with the same labels or others: each has a socket of its own, and
    a client chooses among those that offer what a task requires.
    """

    def __init__(
        self, entry: WorkerEntry, workers: Mapping[str, frozenset[str]], threads: int, meeting: Meeting
    ) -> None:
        """Take a place where clients find it, and let them in.

        Args:
            entry: what a worker calls.
            workers: the id of each worker and the labels it offers; the group's name is added to the id.
            threads: how many threads the numerical libraries of one worker may use.
            meeting: where clients look.

        Raises:
            ConfigurationError: there can be no socket there.
            InvalidArgumentError: the entry cannot be sent to another process.
        """
        with ExitStack() as undo:
            self._berth = meeting.claim()
            undo.callback(self._berth.leave)
            named = {f"{worker}@{self._berth.name}": offers for worker, offers in workers.items()}
            self._pool = Pool(entry, named, threads, self._berth.tether)
            self._key = meeting.key()
            self._identity = identity_of(entry)
            self._listener = _listening(self._berth.draft)
            undo.callback(self._close_listener)
            self._berth.publish()
            undo.pop_all()
        self._closing = self._left = False
        self._lock = threading.Lock()
        self._sessions: dict[Session, threading.Thread] = {}
        self._door = threading.Thread(target=self._open_door, name="om-group-door", daemon=True)
        self._door.start()

    @property
    def address(self) -> Path:
        """The socket."""
        return self._berth.address

    @property
    def name(self) -> str:
        """What the ids of its workers end with."""
        return self._berth.name

    @property
    def busy(self) -> bool:
        """Whether a delivery has not ended."""
        return self._pool.busy

    def workers(self) -> Sequence[WorkerInfo]:
        """Its workers."""
        return self._pool.workers()

    # --- for the process that it is in, which needs no socket

    def submit(self, delivery: Delivery) -> EngineHandle:
        """Take a delivery.

        Raises:
            TaskError: it takes nothing more.
        """
        return self._pool.submit(delivery)

    def cancel(self, task_id: str) -> None:
        """End all deliveries of a task, whoever made them."""
        self._pool.cancel(task_id)

    def serves(self, require: frozenset[str]) -> bool:
        """Whether it takes deliveries, and one of its workers offers all of these labels."""
        return not self._closing and any(require <= worker.labels for worker in self.workers())

    # --- the end

    def drain(self) -> None:
        """Let nobody in, take nothing more, and lose what no worker has begun; what runs goes on."""
        self._shut_door()
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.announce_end()
        self._pool.drain(STOPPING)

    def close(self) -> None:
        """End everything, running tasks too, and leave no trace; doing so twice is harmless."""
        if self._left:
            return
        self._left = True
        self.drain()
        self._pool.close()
        with self._lock:
            sessions = dict(self._sessions)
        for session, thread in sessions.items():
            session.leave()
            thread.join()
        self._door.join()
        self._close_listener()
        self._berth.leave()

    def _close_listener(self) -> None:
        with suppress(FileNotFoundError):  # it removes the name under which the socket was made
            self._listener.close()

    # --- the door

    def _open_door(self) -> None:
        while not self._closing:
            try:
                connection = self._listener.accept()
            except OSError:  # too many open files, or a client that left at once
                threading.Event().wait(PAUSE)
                continue
            with self._lock:
                if self._closing or len(self._sessions) >= MOST_CLIENTS:
                    connection.close()
                    continue
                session = Session(Wire(connection), self._pool, self._key, self._identity)
                thread = threading.Thread(target=self._serve, args=(session,), name="om-group-client", daemon=True)
                self._sessions[session] = thread
                thread.start()  # here, so that who closes the group joins no thread that is yet to start

    def _serve(self, session: Session) -> None:
        try:
            session.run()
        finally:
            with self._lock:
                del self._sessions[session]

    def _shut_door(self) -> None:
        if not self._closing:
            self._closing = True
            with suppress(OSError):
                Client(str(self.address), "AF_UNIX").close()  # wakes who waits at the door
            self.address.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""The deliveries that the local runtime has not ended yet, and what becomes of each."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future
from itertools import count
from typing import TYPE_CHECKING

from omcore.errors import TaskCancelledError, TaskError, TaskLostError
from omcore.runtimes.backend import EngineState

if TYPE_CHECKING:
    from omcore.runtimes.backend import Delivery


class Job:
    """One delivery; its `EngineHandle`. It belongs to the process that submitted it."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self._future: Future[bytes] = Future()
        self._pid = os.getpid()

    @property
    def id(self) -> str:
        """The task's id."""
        return self.delivery.id

    @property
    def state(self) -> EngineState:
        """Where the delivery is now."""
        if self._foreign:
            return EngineState.LOST
        if not self._future.done():
            return EngineState.RUNNING if self._future.running() else EngineState.QUEUED
        error = self._future.exception()
        if error is None:
            return EngineState.DONE
        return EngineState.CANCELLED if isinstance(error, TaskCancelledError) else EngineState.LOST

    def wait(self, timeout: float | None) -> bool:
        """Wait until the state is final, at most `timeout` seconds (`None`: for ever); say whether it is."""
        if self._foreign:
            return True
        try:
            self._future.exception(timeout)
        except TimeoutError:
            return False
        return True

    def outcome(self) -> bytes:
        """The outcome, once the state is final.

        Raises:
            TaskError: there is none; its class says why.
        """
        if self._foreign:
            message = (
                f"task {self.id} was submitted by process {self._pid}, and only that one learns what becomes of it"
            )
            raise TaskLostError(message, self.id)
        return self._future.result()

    @property
    def _foreign(self) -> bool:
        """Whether this is the copy that a fork made; nobody would ever end it."""
        return os.getpid() != self._pid

    # --- for the pool, under its lock

    def begin(self) -> None:
        """It is about to be sent to a worker."""
        self._future.set_running_or_notify_cancel()

    def end(self, result: bytes | TaskError) -> None:
        """It has ended, unless it had already."""
        if self._future.done():
            return
        if isinstance(result, TaskError):
            self._future.set_exception(result)
        else:
            self._future.set_result(result)

    def __repr__(self) -> str:
        return f"<delivery {self.id} {self.state}>"


class JobQueue:
    """First come, first served, among those a worker may take. One lock of the pool guards it."""

    def __init__(self) -> None:
        self._numbers = count()
        self._lines: dict[frozenset[str], deque[tuple[int, Job]]] = {}

    def put(self, job: Job) -> None:
        """Queue a job behind all others."""
        self._lines.setdefault(job.delivery.require, deque()).append((next(self._numbers), job))

    def take(self, offers: frozenset[str]) -> Job | None:
        """Remove and return the oldest job that a worker with these labels may run."""
        first = min(self._fitting(offers), key=lambda require: self._lines[require][0][0], default=None)
        if first is None:
            return None
        job = self._lines[first].popleft()[1]
        self._tidy(first)
        return job

    def fits(self, offers: frozenset[str]) -> bool:
        """Whether there is a job for a worker with these labels."""
        return bool(self._fitting(offers))

    def discard(self, job: Job) -> None:
        """Remove a job, if it is queued."""
        require = job.delivery.require
        line = self._lines.get(require, ())
        kept = deque(entry for entry in line if entry[1] is not job)
        self._lines[require] = kept
        self._tidy(require)

    def _fitting(self, offers: frozenset[str]) -> list[frozenset[str]]:
        return [require for require in self._lines if require <= offers]

    def _tidy(self, require: frozenset[str]) -> None:
        if not self._lines[require]:
            del self._lines[require]

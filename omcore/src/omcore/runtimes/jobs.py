"""The deliveries that the local runtime has not ended yet, and what becomes of each."""

from __future__ import annotations

import os
from collections import deque
from itertools import count
from threading import TIMEOUT_MAX, Event
from typing import TYPE_CHECKING, TypeAlias

from omcore.errors import TaskCancelledError, TaskError, TaskLostError
from omcore.runtimes.backend import EngineState

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.backend import Delivery

LONGEST_LIMIT = 2e6
"""A task that may run for more seconds than this (three weeks: what the system can count) has no limit."""

OnEnd: TypeAlias = "Callable[[bytes | TaskError], None]"
"""Told the result of a job."""


class Job:
    """One delivery; its `EngineHandle`. It belongs to the process that submitted it."""

    def __init__(self, delivery: Delivery, on_end: OnEnd | None = None) -> None:
        """Make a job that waits for a worker.

        Args:
            delivery: what is to be run.
            on_end: called once with the job's result, under the pool's lock; it must be quick and call nobody.
        """
        self.delivery = delivery
        self._on_end = on_end
        self._began = False
        self._result: bytes | TaskError | None = None
        self._ended = Event()
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
        if self._result is None:
            return EngineState.RUNNING if self._began else EngineState.QUEUED
        return state_of(self._result)

    def wait(self, timeout: float | None) -> bool:
        """Wait until the state is final, at most `timeout` seconds (`None`: for ever); say whether it is."""
        if self._foreign or self._result is not None:
            return True
        return self._ended.wait(None if timeout is None else min(timeout, TIMEOUT_MAX))

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
        return given(self._result, self.id)

    @property
    def _foreign(self) -> bool:
        """Whether this is the copy that a fork made; nobody would ever end it."""
        return os.getpid() != self._pid

    # --- for the pool, under its lock

    def begin(self) -> None:
        """It is about to be sent to a worker."""
        self._began = True

    def rest(self) -> None:
        """It was not sent after all."""
        self._began = False

    def end(self, result: bytes | TaskError) -> None:
        """It has ended, unless it had already."""
        if self._result is not None:
            return
        self._result = result
        self._ended.set()
        if self._on_end is not None:
            self._on_end(result)

    def __repr__(self) -> str:
        return f"<delivery {self.id} {self.state}>"


def state_of(result: bytes | TaskError) -> EngineState:
    """The final state that a result stands for."""
    if not isinstance(result, TaskError):
        return EngineState.DONE
    return EngineState.CANCELLED if isinstance(result, TaskCancelledError) else EngineState.LOST


def given(result: bytes | TaskError | None, task_id: str) -> bytes:
    """The outcome that a result holds.

    Raises:
        TaskError: it holds none, or there is no result yet.
    """
    if result is None:
        raise TaskError(f"task {task_id} has not ended, so that there is no outcome; wait for it", task_id)
    if isinstance(result, TaskError):
        raise result
    return result


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

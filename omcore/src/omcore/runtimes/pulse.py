"""Keeps the leases of the tasks that run in this process, and ends those that must not go on.

One thread for all. While a task runs it writes what the task has printed and how far it is to the store, and looks
whether the task was cancelled, given to another worker, or runs too long; then it interrupts it.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from typing import TYPE_CHECKING

from omcore.errors import OmError
from omcore.runtimes import lease
from omcore.runtimes.serving import end_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from omcore.runtimes.claims import Claim
    from omcore.runtimes.logs import LogWriter
    from omcore.runtimes.records import TaskRecords
    from omcore.runtimes.tasklog import TaskLog

logger = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks at the tasks that run."""

LOOK = 2.0
"""Seconds between two looks at whether a task is still wanted."""

LAST_RESORT = 5.0
"""Seconds that an interrupted task has to end by itself, before its process is ended where that runs nothing else."""

EXIT_CODE = 70
"""How a process ends that was ended because its task did not stop."""


class InterruptedTask(BaseException):
    """Raised in a running action that must not go on."""


class Attempt:
    """One run of one task in this thread, as long as the `with` block lasts.

    Attributes:
        why: why it was interrupted, or empty.
        timed_out: whether it was because it ran too long.
        progress: how far it is.
    """

    def __init__(
        self,
        pulse: Pulse,
        claim: Claim | None,
        log: TaskLog,
        writer: LogWriter | None,
        timeout: float | None,
        *,
        alone: bool,
    ) -> None:
        """Nothing begins yet.

        Args:
            pulse: who looks after it.
            claim: the right to run it; `None` for a light task.
            log: what it prints.
            writer: writes that to the store; `None` for a light task.
            timeout: seconds it may run; `None` for no limit.
            alone: whether this process runs nothing else, so that it may be ended with the task.
        """
        now = time.monotonic()
        self.claim = claim
        self.log = log
        self.why = ""
        self.timed_out = False
        self.progress: Mapping[str, Any] | None = None
        self.timeout = timeout
        self._pulse = pulse
        self._writer = writer
        self._alone = alone and threading.current_thread() is threading.main_thread()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._over = False
        self._interrupted: float | None = None
        self._limit, self._how = _limit(claim, timeout, pulse.time_left(claim))
        self._next_look = now + LOOK
        self._beat = 0.0 if claim is None else claim.record.body["lease"] / 3
        self._next_beat = now + self._beat
        self._told: Mapping[str, Any] | None = None

    def __enter__(self) -> Self:
        self._pulse.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """It is over: nobody looks after it any more, or writes its log. Ending it twice is harmless.

        An interrupt may hit this very method, once; who must be sure calls it again.
        """
        with self._looking, self._lock:
            self._over = True
        self._pulse.remove(self)
        if self._interrupted is not None:
            _let_come()

    @property
    def next(self) -> float:
        """When it must be looked at, on the clock of the machine, at the latest."""
        times = [time.monotonic() + TICK]
        if self._interrupted is None:
            times += [] if self._limit is None else [self._limit]
            times += [] if self.claim is None else [self._next_beat]
        return min(times)

    def look(self, records: TaskRecords) -> None:
        """Do what is due; called in the thread of the pulse."""
        with self._looking:
            if not self._over:
                self._look(records)

    def _look(self, records: TaskRecords) -> None:
        now = time.monotonic()
        if self._interrupted is not None:
            self._insist(now)
        elif self._limit is not None and now >= self._limit:
            self._time_out(records)
        elif self.claim is not None:
            self.flush()
            self._keep(records, self.claim, now)

    def flush(self) -> None:
        """Write what the task printed to the store."""
        if self._writer is not None and (text := self.log.take()):
            self._writer.write(text)

    def _keep(self, records: TaskRecords, claim: Claim, now: float) -> None:
        wanted = True
        if now >= self._next_beat or self.progress != self._told:
            self._told, self._next_beat = self.progress, now + self._beat
            wanted = records.renew(claim, self._told)
            self._next_look = now + LOOK
        elif now >= self._next_look:
            wanted = records.holds(claim)
            self._next_look = now + LOOK
        if not wanted:
            self.interrupt("it was cancelled, or given to another worker")

    def _time_out(self, records: TaskRecords) -> None:
        if self.claim is not None:
            records.end(lease.timed_out(self.claim.id, self._how))
        self.timed_out = True
        self.interrupt(f"it {self._how}")

    def interrupt(self, why: str) -> None:
        """Raise `InterruptedTask` in the thread that runs it."""
        with self._lock:
            if not self._over and self._interrupted is None:
                self.why, self._interrupted = why, time.monotonic()
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread), ctypes.py_object(InterruptedTask)
                )

    def _insist(self, now: float) -> None:
        with self._lock:
            stuck = not self._over and self._interrupted is not None and now > self._interrupted + LAST_RESORT
        if stuck and self._alone:
            logger.error("this process is ended with its task, which did not stop: %s", self.why)
            end_process(EXIT_CODE)


def _limit(claim: Claim | None, timeout: float | None, left: float | None) -> tuple[float | None, str]:
    """When a task must have ended, on the clock of the machine, and what is said of one that has not."""
    if left is not None and claim is not None and (timeout is None or left < timeout):
        return time.monotonic() + left, lease.too_late(claim.record.body)
    if timeout is None:
        return None, ""
    return time.monotonic() + timeout, lease.too_long(timeout)


def _let_come() -> None:
    """Let an interrupt that was not raised yet be raised here, and end here.

    It is not taken back by `PyThreadState_SetAsyncExc(..., None)`: on Python 3.11 that leaves the interpreter with a
    request that is never served, which slows it down, and makes it hang where code is traced.
    """
    try:
        for _ in range(100):  # at each turn the interpreter looks for requests
            pass
    except InterruptedTask:
        return


class Pulse:
    """The tasks that run in this process for one context."""

    def __init__(self, records: TaskRecords) -> None:
        self._records = records
        self._attempts: list[Attempt] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def time_left(self, claim: Claim | None) -> float | None:
        """Seconds until a claimed task must have ended, however long its attempt has run; `None` for no limit."""
        deadline = None if claim is None else claim.record.body["deadline"]
        return None if deadline is None else max(0.0, deadline - self._records.now())

    def add(self, attempt: Attempt) -> None:
        """Look after an attempt."""
        with self._wake:
            self._attempts.append(attempt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="om-pulse", daemon=True)
                self._thread.start()
            elif attempt.next < time.monotonic() + TICK:
                self._wake.notify()

    def remove(self, attempt: Attempt) -> None:
        """Look after it no more."""
        with self._wake:
            if attempt in self._attempts:
                self._attempts.remove(attempt)

    def close(self) -> None:
        """The thread ends."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    return
                now = time.monotonic()
                pause = min((attempt.next - now for attempt in self._attempts), default=TICK)
                self._wake.wait(max(0.01, pause))
                attempts = list(self._attempts)
            for attempt in attempts:
                try:
                    attempt.look(self._records)
                except OmError as error:
                    logger.warning("the lease of a task could not be kept now: %s", error)
                except Exception:
                    logger.exception("the lease of a task could not be kept now")

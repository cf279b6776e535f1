"""The place of one worker process in the pool of the local runtime, and the thread that talks to it."""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from omcore.errors import TaskLostError, TaskTimeoutError
from omcore.runtimes.process import WorkerEndedError

if TYPE_CHECKING:
    from omcore.runtimes.jobs import Job
    from omcore.runtimes.pool import Pool
    from omcore.runtimes.process import WorkerProcess

SMALL = 1 << 16
"""Bytes of an envelope that a pipe surely takes whole when nobody has written to it."""


class Slot:
    """One worker process at a time; none before the first job. The pool's lock guards what is public.

    A small job goes to a process that waits for one at once, from whatever thread submits it. Everything else is done
    by the slot's own thread, which alone starts the process, reads from it and lets it go.
    """

    def __init__(self, pool: Pool, name: str, offers: frozenset[str]) -> None:
        self.id = name
        self.offers = offers
        self.free = True
        self.warm = False
        self.job: Job | None = None
        self.process: WorkerProcess | None = None
        self._pool = pool
        self._bell: _Bell | None = None
        self._thread: threading.Thread | None = None
        self._until: float | None = None
        self._stopped = False
        self._verdict: TaskLostError | None = None

    @property
    def running(self) -> tuple[str, ...]:
        """The id of the task that it runs, if it runs one."""
        return (self.job.id,) if self.job else ()

    def start(self, job: Job) -> bool:
        """Hand a job to the process if one is waiting; say whether it was."""
        if self.process is None or not self.warm or len(job.delivery.envelope) > SMALL:
            return False
        self.assign(job)
        if not self.process.try_to_send(job.delivery.envelope):
            job.rest()
            self.job = None
            return False
        self.free = False
        if self._until is not None:
            self._ring()  # the thread has to look at the clock
        return True

    def assign(self, job: Job) -> None:
        """The job is run here from now on."""
        limit = job.delivery.timeout
        self._until = None if limit is None else time.monotonic() + limit
        job.begin()
        self.job = job  # last: the thread looks for it without the lock

    def wake(self) -> None:
        """There is work."""
        self.free = False
        if self._thread is None:
            self._bell = _Bell()
            self._thread = threading.Thread(target=self._serve, name=f"om-worker-{self.id}", daemon=True)
            self._thread.start()
        self._ring()

    def kill(self) -> None:
        """End the process of this slot; the next job gets a new one."""
        if self.process is not None:
            self.process.kill()

    def lose(self, why: TaskLostError) -> None:
        """End the process; its job is lost for this reason once the process is gone."""
        self._verdict = why
        self.kill()

    def stop(self) -> None:
        """End the process and the thread, without waiting for them."""
        self._stopped = True
        self._ring()
        if not self.warm:
            self.kill()

    def join(self) -> None:
        """Wait until the process and the thread are gone."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    # --- in the thread

    def _serve(self) -> None:
        while not self._stopped or self.job is not None:
            if self.job is not None:
                self._finish(self.job)
            elif self._pool.has_work(self):
                self._begin()
            else:
                self._idle()
        self._drop_process()
        self._pool.leave(self)

    def silence(self) -> None:
        """Let go of the bell; the thread has ended."""
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    def _idle(self) -> None:
        """Wait for the bell, the answer to a job that another thread has sent, or the end of the process."""
        assert self._bell is not None
        process = self.process
        if self._bell.wait(None if process is None else process.incoming) and self.job is None:
            self._drop_process(idle=True)

    def _begin(self) -> None:
        """Take a job from the queue and send it."""
        try:
            process = self._ready_process()
        except WorkerEndedError as error:
            self._drop_process()
            if job := self._pool.take(self):
                self._pool.finish(self, _lost(job, error, "before it could run"))
            return
        if job := self._pool.take(self):
            self._send(process, job)

    def _send(self, process: WorkerProcess, job: Job) -> None:
        try:
            process.send(job.delivery.envelope)
        except WorkerEndedError as error:
            self._lose(job, error)

    def _finish(self, job: Job) -> None:
        """Wait for the answer to a job, and send the next one."""
        process = self.process
        assert process is not None
        try:
            result = process.answer(None if self._until is None else max(0.0, self._until - time.monotonic()))
        except WorkerEndedError as error:
            self._lose(job, error)
            return
        if result is None:
            process.kill()
            self._drop_process()
            self._pool.finish(self, _too_long(job))
        elif following := self._pool.swap(self, result):
            self._send(process, following)

    def _ready_process(self) -> WorkerProcess:
        if self.process is not None and self.process.ended:
            self._drop_process()
        return self.process or self._pool.start_process(self)

    def _lose(self, job: Job, error: WorkerEndedError) -> None:
        self._drop_process()
        verdict, self._verdict = self._verdict, None
        self._pool.finish(self, verdict or _lost(job, error, "while it ran"))

    def _drop_process(self, *, idle: bool = False) -> None:
        process = self._pool.let_go(self, idle=idle)
        if process is not None:
            process.close()


class _Bell:
    """Wakes a thread that also waits for a process."""

    def __init__(self) -> None:
        self._heard, self._rope = os.pipe()
        os.set_blocking(self._rope, False)

    def ring(self) -> None:
        """Let `wait` return, now or the next time."""
        with suppress(BlockingIOError):  # it has been rung often enough
            os.write(self._rope, b"!")

    def wait(self, process: int | None) -> bool:
        """Wait for the bell, or until a process has answered or is gone; say whether the process has."""
        poll = select.poll()
        for handle in (self._heard, process):
            if handle is not None:
                poll.register(handle, select.POLLIN)
        ready = {handle for handle, _ in poll.poll()}
        if self._heard in ready:
            os.read(self._heard, SMALL)
        return process in ready

    def close(self) -> None:
        """Let go of both ends."""
        os.close(self._heard)
        os.close(self._rope)


def _lost(job: Job, error: WorkerEndedError, when: str) -> TaskLostError:
    lost = TaskLostError(f"task {job.id} was lost {when}: its worker {error}; submit it again", job.id)
    if error.printed:
        lost.add_note(f"The worker printed at last:\n{error.printed}")
    return lost


def _too_long(job: Job) -> TaskTimeoutError:
    message = f"task {job.id} ran longer than the {job.delivery.timeout:g} seconds it was given, and was ended"
    return TaskTimeoutError(message, job.id)

"""Worker processes that share one queue: the engine of the local runtime."""

from __future__ import annotations

import atexit
import os
import threading
from multiprocessing.reduction import ForkingPickler
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from omcore.errors import InvalidArgumentError, TaskCancelledError, TaskError, TaskLostError
from omcore.runtimes.backend import WorkerInfo
from omcore.runtimes.jobs import Job, JobQueue
from omcore.runtimes.process import WorkerProcess
from omcore.runtimes.slot import Slot
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omcore.runtimes.backend import Delivery, WorkerEntry
    from omcore.runtimes.jobs import OnEnd


CLOSED = "the local runtime is closed"
"""Why a pool that was closed takes nothing."""


class Pool:
    """A queue of jobs, and one slot for each worker process. A slot without work has no process before its first job.

    It belongs to the process that made it; in a fork of that process it does nothing.
    """

    def __init__(
        self, entry: WorkerEntry, workers: Mapping[str, frozenset[str]], threads: int, tether: int | None = None
    ) -> None:
        """Make the pool; starts nothing.

        Args:
            entry: what a worker calls.
            workers: the id of each worker and the labels it offers.
            threads: how many threads the numerical libraries of one worker may use.
            tether: an open file that every worker process keeps open for as long as it lives.

        Raises:
            InvalidArgumentError: the entry cannot be sent to another process.
        """
        self._entry = _pickled(entry)
        self._threads = threads
        self._tether = tether
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._queue = JobQueue()
        self._open: dict[Job, None] = {}
        self._slots = [Slot(self, name, offers) for name, offers in workers.items()]
        self._started = False
        self._closed = ""

    # --- what the runtime asks for

    def submit(self, delivery: Delivery, on_end: OnEnd | None = None) -> Job:
        """Hand a delivery to a worker that waits, or queue it.

        Args:
            delivery: what is to be run.
            on_end: told the result when there is one, under the pool's lock; it must be quick and call nobody.

        Raises:
            TaskError: the pool is closed.
        """
        job = Job(delivery, on_end)
        with self._lock:
            if self._closed:
                raise TaskError(f"task {job.id} cannot be submitted: {self._closed}", job.id)
            if not self._started:
                self._start()
            self._open[job] = None
            free = [slot for slot in self._slots if slot.free and delivery.require <= slot.offers]
            slot = max(free, key=lambda slot: slot.warm) if free else None
            if slot is None or not slot.start(job):
                self._queue.put(job)
                if slot is not None:
                    slot.wake()
        return job

    def _start(self) -> None:
        """See to it that the workers end with this process."""
        self._started = True
        atexit.register(self.close)
        # a child of multiprocessing runs no atexit, and waits for its own children after these
        Finalize(None, self.close, exitpriority=100)

    def cancel(self, task_id: str) -> None:
        """End every delivery of a task: one that waits is never started, the worker that runs one is killed."""
        with self._lock:
            for job in [job for job in self._open if job.id == task_id]:
                self._end(job, TaskCancelledError(f"task {task_id} was cancelled", task_id))

    def workers(self) -> Sequence[WorkerInfo]:
        """The workers, those included that have not started yet."""
        with self._lock:
            return [WorkerInfo(slot.id, slot.offers, 1, slot.running) for slot in self._slots]

    def drain(self, why: str) -> None:
        """Take nothing more, and lose what no worker has begun.

        Args:
            why: what a submission is refused with, and what the queued tasks are lost by.
        """
        with self._lock:
            self._closed = self._closed or why
            for job in [job for job in self._open if self._slot_of(job) is None]:
                self._end(job, TaskLostError(f"task {job.id} was lost before it was started: {why}", job.id))

    @property
    def busy(self) -> bool:
        """Whether a delivery has not ended."""
        return bool(self._open)

    def close(self, *, wait: bool = True) -> None:
        """End every job and every worker. A job that runs is lost when its worker is gone, and not before.

        Args:
            wait: whether to return only when the workers are gone.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            first, self._closed = self._closed != CLOSED, CLOSED
            for job in list(self._open):
                self._give_up(job)
            for slot in self._slots:
                slot.stop()
        if first:
            atexit.unregister(self.close)
        if wait:
            for slot in self._slots:
                slot.join()

    def _give_up(self, job: Job) -> None:
        why = TaskLostError(f"task {job.id} was not finished when the local runtime was closed", job.id)
        slot = self._slot_of(job)
        if slot is None:
            self._end(job, why)
        else:
            slot.lose(why)

    def _end(self, job: Job, why: TaskError) -> None:
        """End a job from outside its slot."""
        slot = self._slot_of(job)
        if slot is None:
            self._queue.discard(job)
        else:
            slot.kill()
        self._open.pop(job)
        job.end(why)

    def _slot_of(self, job: Job) -> Slot | None:
        return next((slot for slot in self._slots if slot.job is job), None)

    # --- what a slot asks for

    def has_work(self, slot: Slot) -> bool:
        """Whether there is a job for a slot that has none; one for which there is none is free from then on."""
        with self._lock:
            slot.free = slot.job is None and not self._queue.fits(slot.offers)
            return slot.job is None and not slot.free

    def start_process(self, slot: Slot) -> WorkerProcess:
        """Give a slot a new process, prepared.

        Raises:
            WorkerEndedError: it could not be started or prepared.
        """
        process = WorkerProcess.start(self._threads, self._tether)
        with self._lock:
            slot.process = process
            if self._closed:
                process.kill()
        process.prepare(self._entry)
        slot.warm = True
        return process

    def take(self, slot: Slot) -> Job | None:
        """The next job of a slot, begun."""
        with self._lock:
            job = self._queue.take(slot.offers)
            if job is not None:
                slot.assign(job)
            return job

    def swap(self, slot: Slot, result: bytes) -> Job | None:
        """End the job of a slot, and begin the next one; without one the slot is free."""
        with self._lock:
            self.finish(slot, result)
            job = self.take(slot)
            slot.free = job is None
            return job

    def finish(self, slot: Slot, result: bytes | TaskError) -> None:
        """End the job of a slot."""
        with self._lock:
            job, slot.job = slot.job, None
            if job is not None:
                self._open.pop(job, None)
                job.end(result)

    def let_go(self, slot: Slot, *, idle: bool) -> WorkerProcess | None:
        """The process of a slot, which is to be closed; where it has to be idle, none if it was given a job."""
        with self._lock:
            if idle and slot.job is not None:
                return None
            process, slot.process, slot.warm = slot.process, None, False
            return process

    def leave(self, slot: Slot) -> None:
        """The thread of a slot has ended."""
        with self._lock:
            slot.silence()


def _pickled(entry: WorkerEntry) -> bytes:
    try:
        return bytes(ForkingPickler.dumps(entry))
    except Exception as error:
        message = (
            f"a worker process cannot be told what to call, {reason(error)}; give functions that it can import by name"
        )
        raise InvalidArgumentError(message) from error

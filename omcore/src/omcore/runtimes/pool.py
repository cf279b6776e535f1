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


class Pool:
    """A queue of jobs, and one slot for each worker process. A slot without work has no process before its first job.

    It belongs to the process that made it; in a fork of that process it does nothing.
    """

    def __init__(self, entry: WorkerEntry, workers: Mapping[str, frozenset[str]], threads: int) -> None:
        """Make the pool; starts nothing.

        Args:
            entry: what a worker calls.
            workers: the id of each worker and the labels it offers.
            threads: how many threads the numerical libraries of one worker may use.

        Raises:
            InvalidArgumentError: the entry cannot be sent to another process.
        """
        self._entry = _pickled(entry)
        self._threads = threads
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._queue = JobQueue()
        self._open: dict[Job, None] = {}
        self._slots = [Slot(self, name, offers) for name, offers in workers.items()]
        self._started = False
        self._closed = False

    # --- what the runtime asks for

    def submit(self, delivery: Delivery) -> Job:
        """Queue a delivery.

        Raises:
            TaskError: the pool is closed.
        """
        job = Job(delivery)
        with self._lock:
            if self._closed:
                raise TaskError(f"task {job.id} cannot be submitted: the local runtime is closed", job.id)
            if not self._started:
                self._started = True
                atexit.register(self.close)
                # a child of multiprocessing runs no atexit, and waits for its own children after these
                Finalize(None, self.close, exitpriority=100)
            self._open[job] = None
            self._queue.put(job)
            free = [slot for slot in self._slots if slot.free and delivery.require <= slot.offers]
            if free:
                max(free, key=lambda slot: slot.warm).wake()
        return job

    def cancel(self, task_id: str) -> None:
        """End every delivery of a task: one that waits is never started, the worker that runs one is killed."""
        with self._lock:
            for job in [job for job in self._open if job.id == task_id]:
                self._end(job, TaskCancelledError(f"task {task_id} was cancelled", task_id))

    def workers(self) -> Sequence[WorkerInfo]:
        """The workers, those included that have not started yet."""
        with self._lock:
            return [WorkerInfo(slot.id, slot.offers, 1, slot.running) for slot in self._slots]

    def close(self, *, wait: bool = True) -> None:
        """End every job and every worker.

        Args:
            wait: whether to return only when the workers are gone.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            first, self._closed = not self._closed, True
            for job in list(self._open):
                message = f"task {job.id} was not finished when the local runtime was closed"
                self._end(job, TaskLostError(message, job.id))
            for slot in self._slots:
                slot.stop()
        if first:
            atexit.unregister(self.close)
        if wait:
            for slot in self._slots:
                slot.join()

    def _end(self, job: Job, why: TaskError) -> None:
        """End a job from outside its slot."""
        self._queue.discard(job)
        self._open.pop(job)
        job.end(why)
        for slot in self._slots:
            if slot.job is job:
                slot.kill()

    # --- what a slot asks for

    def has_work(self, slot: Slot) -> bool:
        """Whether there is a job for a slot; one for which there is none is free from then on."""
        with self._lock:
            slot.free = not self._queue.fits(slot.offers)
            return not slot.free

    def start_process(self, slot: Slot) -> WorkerProcess:
        """Give a slot a new process, prepared.

        Raises:
            WorkerEndedError: it could not be started or prepared.
        """
        process = WorkerProcess.start(self._threads)
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
            slot.job = self._queue.take(slot.offers)
            if slot.job is not None:
                slot.job.begin()
            return slot.job

    def finish(self, slot: Slot, result: bytes | TaskError) -> None:
        """End the job of a slot."""
        with self._lock:
            job, slot.job = slot.job, None
            if job is not None:
                self._open.pop(job, None)
                job.end(result)


def _pickled(entry: WorkerEntry) -> bytes:
    try:
        return bytes(ForkingPickler.dumps(entry))
    except Exception as error:
        message = (
            f"a worker process cannot be told what to call, {reason(error)}; give functions that it can import by name"
        )
        raise InvalidArgumentError(message) from error

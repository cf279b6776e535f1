"""The place of one worker process in the pool of the local runtime, and the thread that talks to it."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from omcore.errors import TaskLostError, TaskTimeoutError
from omcore.runtimes.process import WorkerEndedError

if TYPE_CHECKING:
    from omcore.runtimes.jobs import Job
    from omcore.runtimes.pool import Pool
    from omcore.runtimes.process import WorkerProcess


class Slot:
    """One worker process at a time; none before the first job. The pool's lock guards what is public."""

    def __init__(self, pool: Pool, name: str, offers: frozenset[str]) -> None:
        self.id = name
        self.offers = offers
        self.free = True
        self.warm = False
        self.job: Job | None = None
        self.process: WorkerProcess | None = None
        self._pool = pool
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> tuple[str, ...]:
        """The id of the task that it runs, if it runs one."""
        return (self.job.id,) if self.job else ()

    def wake(self) -> None:
        """There is work."""
        self.free = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"om-worker-{self.id}", daemon=True)
            self._thread.start()
        self._bell.put(True)

    def kill(self) -> None:
        """End the process of this slot; the next job gets a new one."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """End the process and the thread, without waiting for them."""
        self._bell.put(False)
        if not self.warm:
            self.kill()

    def join(self) -> None:
        """Wait until the process and the thread are gone."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    # --- in the thread

    def _serve(self) -> None:
        while self._bell.get():
            while self._pool.has_work(self):
                self._work()
        self._drop_process()

    def _work(self) -> None:
        try:
            process = self._ready_process()
        except WorkerEndedError as error:
            self._drop_process()
            if job := self._pool.take(self):
                self._pool.finish(self, _lost(job, error, "before it could run"))
            return
        if job := self._pool.take(self):
            self._run(process, job)

    def _ready_process(self) -> WorkerProcess:
        if self.process is not None and self.process.ended:
            self._drop_process()
        return self.process or self._pool.start_process(self)

    def _run(self, process: WorkerProcess, job: Job) -> None:
        try:
            result = process.run(job.delivery.envelope, job.delivery.timeout)
        except WorkerEndedError as error:
            self._drop_process()
            self._pool.finish(self, _lost(job, error, "while it ran"))
            return
        if result is None:
            process.kill()
            self._drop_process()
        self._pool.finish(self, _too_long(job) if result is None else result)

    def _drop_process(self) -> None:
        process, self.process, self.warm = self.process, None, False
        if process is not None:
            process.close()


def _lost(job: Job, error: WorkerEndedError, when: str) -> TaskLostError:
    lost = TaskLostError(f"task {job.id} was lost {when}: its worker {error}; submit it again", job.id)
    if error.printed:
        lost.add_note(f"The worker printed at last:\n{error.printed}")
    return lost


def _too_long(job: Job) -> TaskTimeoutError:
    message = f"task {job.id} ran longer than the {job.delivery.timeout:g} seconds it was given, and was ended"
    return TaskTimeoutError(message, job.id)

"""A runtime of threads: one queue, and a daemon thread for each worker."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from omcore.errors import TaskCancelledError, TaskError, TaskLostError
from omcore.runtimes.backend import EngineState, RuntimeBackend, Strengths, WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.runtimes.backend import Delivery, WorkerEntry
    from omcore.storage.backend import Place


class ThreadOptions(BaseModel, extra="forbid"):
    """The labels that each thread offers."""

    workers: list[frozenset[str]] = [frozenset()]


class ThreadHandle:
    """One delivery."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.future: Future[bytes] = Future()

    @property
    def state(self) -> EngineState:
        if not self.future.done():
            return EngineState.RUNNING if self.future.running() else EngineState.QUEUED
        if error := self.future.exception():
            return EngineState.CANCELLED if isinstance(error, TaskCancelledError) else EngineState.LOST
        return EngineState.DONE

    def wait(self, timeout: float | None) -> bool:
        return bool(wait([self.future], timeout).done)

    def outcome(self) -> bytes:
        return self.future.result()

    def __repr__(self) -> str:
        return f"<task {self.delivery.id} {self.state}>"


class ThreadRuntime(RuntimeBackend):
    """Runs tasks in threads of the client."""

    api_version = 1
    Options = ThreadOptions
    strengths = Strengths(cancel="none", delivery="at-most-once", in_order=True)

    def __init__(
        self, options: ThreadOptions, place: Place, worker: WorkerEntry, labels: Mapping[str, Mapping[str, Any]]
    ) -> None:
        worker.prepare(worker.contexts)
        self._changed = Condition()
        self._queue: list[ThreadHandle] = []
        self._running: dict[str, ThreadHandle] = {}
        self._closed = False
        self._offers = {f"thread-{number}": offers for number, offers in enumerate(options.workers, 1)}
        for name in self._offers:
            Thread(target=self._work, args=(name, worker.execute), name=name, daemon=True).start()

    def submit(self, delivery: Delivery) -> ThreadHandle:
        handle = ThreadHandle(delivery)
        with self._changed:
            if self._closed:
                raise TaskError(f"task {delivery.id} cannot be submitted: the runtime is closed", delivery.id)
            self._queue.append(handle)
            self._changed.notify_all()
        return handle

    def cancel(self, task_id: str) -> None:
        self._give_up(TaskCancelledError, "was cancelled", lambda handle: handle.delivery.id == task_id)

    def workers(self) -> Sequence[WorkerInfo]:
        running = {name: (handle.delivery.id,) for name, handle in self._running.copy().items()}
        return [WorkerInfo(name, offers, 1, running.get(name, ())) for name, offers in self._offers.items()]

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._give_up(TaskLostError, "was not finished when the runtime was closed", lambda _: True)
            self._changed.notify_all()

    def _give_up(self, kind: type[TaskError], what: str, which: Callable[[ThreadHandle], bool]) -> None:
        with self._changed:
            for handle in filter(which, [*self._queue, *self._running.values()]):
                with suppress(InvalidStateError):  # it has ended
                    handle.future.set_exception(kind(f"task {handle.delivery.id} {what}", handle.delivery.id))
            self._queue = [handle for handle in self._queue if not which(handle)]

    def _work(self, name: str, execute: Callable[[bytes], bytes]) -> None:
        while handle := self._next(name):
            outcome = execute(handle.delivery.envelope)
            with self._changed, suppress(InvalidStateError):  # it was given up
                del self._running[name]
                handle.future.set_result(outcome)

    def _next(self, name: str) -> ThreadHandle | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._fitting(name))
            if self._closed:
                return None
            handle = self._running[name] = self._fitting(name)[0]
            self._queue.remove(handle)
            handle.future.set_running_or_notify_cancel()
            return handle

    def _fitting(self, name: str) -> list[ThreadHandle]:
        return [handle for handle in self._queue if handle.delivery.require <= self._offers[name]]

"""Mistakes when a task is cancelled, or lost, or takes too long."""

from __future__ import annotations

from dataclasses import replace
from threading import Timer
from typing import TYPE_CHECKING

from omcore.errors import TaskCancelledError, TaskLostError, TaskNotFoundError
from omcore.runtimes.backend import EngineState
from omcore.testing.runtime.saboteurs.base import Saboteur, Shadow

if TYPE_CHECKING:
    from omcore.runtimes.backend import Delivery, EngineHandle


class CancelsOnlyWhatRuns(Saboteur):
    """Knows nothing of its own queue."""

    caught_by = "test_a_queued_task_that_is_cancelled_never_starts"

    def cancel(self, task_id: str) -> None:
        if any(task_id in worker.running for worker in self.workers()):
            super().cancel(task_id)


class HidesWhatItCancelled(Saboteur):
    """Settles the handle of a queued task, and runs it all the same."""

    caught_by = "test_a_queued_task_that_is_cancelled_never_starts"

    def cancel(self, task_id: str) -> None:
        with self._pool._lock:
            for job in self._pool._open:
                if job.id == task_id:
                    job.begin = lambda: None  # type: ignore[method-assign]  # it has to be broken somehow
                    job.end(TaskCancelledError(f"task {task_id} was cancelled", task_id))


class CancelsInAWhile(Saboteur):
    """Leaves it to a thread."""

    caught_by = "test_a_running_task_that_is_cancelled_is_final_at_once"

    def cancel(self, task_id: str) -> None:
        Timer(0.2, super().cancel, [task_id]).start()


class KillsNobody(Saboteur):
    """Promises to kill, and settles the handle only."""

    caught_by = "test_a_running_task_that_is_killed_runs_no_further"

    def cancel(self, task_id: str) -> None:
        with self._pool._lock:
            for job in self._pool._open:
                if job.id == task_id:
                    job.end(TaskCancelledError(f"task {task_id} was cancelled", task_id))


class CancelsAll(Saboteur):
    """Ends the pool to end one task."""

    caught_by = "test_cancelling_one_task_leaves_the_others_alone"

    def cancel(self, task_id: str) -> None:  # noqa: ARG002 - that is the mistake
        for job in list(self._pool._open):
            super().cancel(job.id)


class CancelsTheLatest(Saboteur):
    """Keeps one delivery for an id."""

    caught_by = "test_cancelling_covers_every_delivery_of_an_id"

    def cancel(self, task_id: str) -> None:
        pool = self._pool
        with pool._lock:
            jobs = [job for job in pool._open if job.id == task_id]
            for job in jobs[-1:]:
                pool._end(job, TaskCancelledError(f"task {task_id} was cancelled", task_id))


class WantsToKnowTheId(Saboteur):
    """Raises for an id it does not know."""

    caught_by = "test_cancelling_what_is_unknown_is_no_error"

    def cancel(self, task_id: str) -> None:
        if all(job.id != task_id for job in self._pool._open):
            raise TaskNotFoundError(f"no task {task_id} is known", task_id)
        super().cancel(task_id)


class UndoesWhatIsDone(Saboteur):
    """Lets a cancel change a task that has ended."""

    caught_by = "test_cancelling_what_is_done_changes_nothing"
    cancelled: frozenset[str] = frozenset()

    def cancel(self, task_id: str) -> None:
        self.cancelled |= {task_id}
        super().cancel(task_id)

    def submit(self, delivery: Delivery) -> EngineHandle:
        return _Undone(super().submit(delivery), self, delivery.id)


class _Undone(Shadow):
    def __init__(self, real: EngineHandle, runtime: UndoesWhatIsDone, task_id: str) -> None:
        super().__init__(real)
        self.runtime, self.task_id = runtime, task_id

    @property
    def state(self) -> EngineState:
        return EngineState.CANCELLED if self.task_id in self.runtime.cancelled else super().state


class _SwallowsLosses(Shadow):
    @property
    def state(self) -> EngineState:
        state = super().state
        return EngineState.DONE if state is EngineState.LOST else state

    def outcome(self) -> bytes:
        try:
            return super().outcome()
        except TaskLostError:
            return b""


class SwallowsLosses(Saboteur):
    """Gives an empty outcome for what was lost."""

    caught_by = "test_a_worker_that_ends_is_noticed"
    handle = _SwallowsLosses


class _WaitsForTheDead(Shadow):
    def wait(self, timeout: float | None) -> bool:
        return super().wait(timeout) and self.state is not EngineState.LOST


class WaitsForTheDead(Saboteur):
    """Waits for a message from a worker that is gone."""

    caught_by = "test_a_worker_that_is_killed_from_outside_is_noticed"
    handle = _WaitsForTheDead


class BreaksAsAWhole(Saboteur):
    """Fails everything when one worker dies, as a plain process pool does."""

    caught_by = "test_the_death_of_a_worker_costs_no_other_task"
    unwell: EngineHandle | None = None

    def submit(self, delivery: Delivery) -> EngineHandle:
        handle = super().submit(delivery)
        if b'"die"' in delivery.envelope:
            handle.wait(None)
            for job in list(self._pool._open):
                self._pool._end(job, TaskLostError("a process of the pool was terminated abruptly", job.id))
        return handle


class TriesForEver(Saboteur):
    """Delivers a lost task again and again."""

    caught_by = "test_a_task_that_always_kills_its_worker_is_given_up"

    def submit(self, delivery: Delivery) -> EngineHandle:
        return _Retried(super().submit(delivery), self, delivery)


class _Retried(Shadow):
    def __init__(self, real: EngineHandle, runtime: Saboteur, delivery: Delivery) -> None:
        super().__init__(real)
        self.runtime, self.delivery = runtime, delivery

    def wait(self, timeout: float | None) -> bool:
        while (ended := self.real.wait(timeout)) and self.real.state is EngineState.LOST:
            self.real = Saboteur.submit(self.runtime, self.delivery)
        return ended


class TakesItsTime(Saboteur):
    """Forgets the limit of a task."""

    caught_by = "test_a_task_that_takes_too_long_is_ended"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, timeout=None)


class CountsInMilliseconds(Saboteur):
    """Takes seconds for milliseconds."""

    caught_by = "test_a_task_within_its_time_is_left_alone"

    def altered(self, delivery: Delivery) -> Delivery:
        return delivery if delivery.timeout is None else replace(delivery, timeout=delivery.timeout / 1000)

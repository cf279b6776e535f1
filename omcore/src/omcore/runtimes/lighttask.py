"""A light task as its handle sees it: what the engine knows is all there is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from omcore.errors import TaskCancelledError, TaskLostError, TaskTimeoutError
from omcore.runtimes import lease
from omcore.runtimes.backend import EngineState
from omcore.runtimes.errordata import to_data
from omcore.runtimes.task import Outcome, State
from omcore.runtimes.tracking import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.errors import TaskError
    from omcore.runtimes.backend import EngineHandle
    from omcore.runtimes.progress import Progress

_ENGINE_STATES = {
    EngineState.QUEUED: State.PENDING,
    EngineState.RUNNING: State.STARTED,
    EngineState.CANCELLED: State.REVOKED,
    EngineState.LOST: State.LOST,
}

SHORTEST_WAIT = 0.01
"""Seconds that the engine is waited for at least, before the clock is looked at."""


class LightTracker(Tracker):
    """A task without a record: what the engine knows is all there is."""

    def __init__(
        self,
        task_id: str,
        engine: EngineHandle,
        cancel: Callable[[str], None],
        again: Callable[[], EngineHandle],
        start_by: float | None,
        tries: int,
    ) -> None:
        """Track a delivery.

        Args:
            task_id: the task's id.
            engine: its delivery.
            cancel: cancels it in the engine.
            again: delivers it again, where its worker was not fit for it.
            start_by: when it must have been started, in seconds since the epoch.
            tries: how many workers may turn out not to be fit.
        """
        self.id = task_id
        self._engine = engine
        self._cancel = cancel
        self._again = again
        self._start_by = start_by
        self._tries = tries
        self._outcome: Outcome | None = None

    def state(self) -> State:
        """Where the task is now."""
        if self._outcome is not None:
            return self._outcome.state
        state = self._engine.state
        return self.outcome().state if state is EngineState.DONE else _ENGINE_STATES[state]

    def wait(self, timeout: float | None) -> bool:
        """Wait for the engine; a task that is not started in time is ended."""
        if self._outcome is not None:
            return True
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            if self._engine.wait(self._slice(left)):
                if self._settled():
                    return True
            elif left is not None and left <= 0:
                return False
            elif self._is_late():
                self._give_up()

    def _slice(self, left: float | None) -> float | None:
        if self._start_by is None:
            return left
        patience = max(SHORTEST_WAIT, min(60.0, self._start_by - time.time()))
        return patience if left is None else min(left, patience)

    def _is_late(self) -> bool:
        late = self._start_by is not None and time.time() >= self._start_by
        return late and self._engine.state is EngineState.QUEUED

    def _give_up(self) -> None:
        self._cancel(self.id)
        if self._engine.state is EngineState.CANCELLED:
            self._outcome = lease.timed_out(self.id, "was not started within the time it was given")

    def _settled(self) -> bool:
        """Whether the engine's answer is the last one; a worker that is not fit for the task leaves it to another."""
        if self.outcome().state.final:
            return True
        self._tries -= 1
        self._outcome, self._engine = None, self._again()
        return False

    def outcome(self) -> Outcome:
        """What came of it."""
        if self._outcome is None:
            self._outcome = self._ask()
            if self._outcome.state is State.RETRY and self._tries <= 1:
                self._outcome = self._outcome.model_copy(update={"state": State.FAILURE})
        return self._outcome

    def _ask(self) -> Outcome:
        try:
            return Outcome.load(self._engine.outcome())
        except TaskCancelledError as error:
            return self._ended(State.REVOKED, error)
        except TaskLostError as error:
            return self._ended(State.LOST, error)
        except TaskTimeoutError as error:
            return self._ended(State.FAILURE, error)

    def _ended(self, state: State, error: TaskError) -> Outcome:
        return Outcome(id=self.id, state=state, error=to_data(error))

    def cancel(self) -> None:
        """Cancel it in the engine."""
        if self._outcome is None:
            self._cancel(self.id)

    def progress(self) -> Progress | None:
        """A light task tells nothing while it runs."""
        return None

    def log(self, *, follow: bool) -> Iterator[str]:
        """What it printed, once it has ended."""
        if follow:
            self.wait(None)
        if self.state().final:
            yield self.outcome().log

    def explain(self) -> str:
        """Where it is, as the engine says."""
        return f"task {self.id} is {self.state()}, as its engine says; it is light and has no record"


class EndedTracker(Tracker):
    """A light task that was run in this process while its caller waited."""

    def __init__(self, outcome: Outcome) -> None:
        elsewhere = outcome.state is State.RETRY  # this process is not fit for it, and nobody else was asked
        self._outcome = outcome.model_copy(update={"state": State.FAILURE}) if elsewhere else outcome
        self.id = outcome.id

    def state(self) -> State:
        """How it ended."""
        return self._outcome.state

    def wait(self, timeout: float | None) -> bool:  # noqa: ARG002 - it has ended
        """It has ended."""
        return True

    def outcome(self) -> Outcome:
        """What came of it."""
        return self._outcome

    def cancel(self) -> None:
        """It has ended."""

    def progress(self) -> Progress | None:
        """It tells nothing."""
        return None

    def log(self, *, follow: bool) -> Iterator[str]:  # noqa: ARG002 - it has ended
        """Nothing: what it printed went where this process prints."""
        return iter(())

    def explain(self) -> str:
        """How it ended."""
        return (
            f"task {self.id} was run in this process and has ended with {self.state()}; it is light and has no record"
        )

"""Where a handle gets its answers: of a light task from the engine, of a durable one from its record."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from omcore.errors import TaskCancelledError, TaskLostError, TaskTimeoutError
from omcore.runtimes import lease
from omcore.runtimes.backend import EngineState
from omcore.runtimes.errordata import to_data
from omcore.runtimes.family import DONE, children_of
from omcore.runtimes.progress import Progress
from omcore.runtimes.task import ErrorData, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.errors import TaskError
    from omcore.runtimes.backend import EngineHandle, RuntimeBackend
    from omcore.runtimes.keeper import Keeper
    from omcore.runtimes.logs import TaskLogs
    from omcore.runtimes.records import TaskRecords

_ENGINE_STATES = {
    EngineState.QUEUED: State.PENDING,
    EngineState.RUNNING: State.STARTED,
    EngineState.CANCELLED: State.REVOKED,
    EngineState.LOST: State.LOST,
}

SLICE = 1.0
"""Seconds that are waited for the engine before the record is looked at."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.5
"""Seconds between two looks at a record."""


class Tracker(ABC):
    """What a handle asks."""

    id: str

    @abstractmethod
    def state(self) -> State:
        """Where the task is now."""

    @abstractmethod
    def wait(self, timeout: float | None) -> bool:
        """Wait until it has ended, at most so many seconds; say whether it has."""

    @abstractmethod
    def outcome(self) -> Outcome:
        """What came of it; asked when it has ended."""

    @abstractmethod
    def cancel(self) -> None:
        """Keep every result of it from becoming visible, and stop it where the runtime can."""

    @abstractmethod
    def progress(self) -> Progress | None:
        """How far it is, where it tells."""

    @abstractmethod
    def log(self, *, follow: bool) -> Iterator[str]:
        """What it printed, piece by piece; with `follow`, until it has ended."""

    @abstractmethod
    def explain(self) -> str:
        """Where it is and why, as a sentence."""


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
        patience = max(SHORTEST_PAUSE, min(60.0, self._start_by - time.time()))
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


class DurableTracker(Tracker):
    """A task with a record, in whatever process."""

    def __init__(
        self,
        task_id: str,
        records: TaskRecords,
        logs: TaskLogs,
        keeper: Keeper,
        cancel: Callable[[str], None],
        backend: Callable[[], RuntimeBackend],
    ) -> None:
        self.id = task_id
        self._records = records
        self._logs = logs
        self._keeper = keeper
        self._cancel = cancel
        self._backend = backend
        self._outcome: Outcome | None = None

    def state(self) -> State:
        """Where the task is now, as its record says."""
        return self._outcome.state if self._outcome else self._records.state(self.id)

    def wait(self, timeout: float | None) -> bool:
        """Wait for the engine and the record, and see to it meanwhile that somebody runs the task."""
        until = None if timeout is None else time.monotonic() + timeout
        pause = SHORTEST_PAUSE
        while True:
            left = SLICE if until is None else min(SLICE, max(0.0, until - time.monotonic()))
            engine = self._keeper.engine(self.id)
            if engine is not None:
                engine.wait(left)
            if self._has_ended():
                return True
            if left <= 0:
                return False
            if engine is None:
                time.sleep(min(pause, left))
                pause = min(LONGEST_PAUSE, 1.5 * pause)

    def _has_ended(self) -> bool:
        if self._outcome is None:
            self._outcome = self._keeper.settle(self.id) or self._keeper.mind(self.id)
        return self._outcome is not None

    def outcome(self) -> Outcome:
        """What came of it."""
        if self._outcome is None:
            self._outcome = self._records.outcome(self.id)
        if self._outcome is None:
            raise TaskLostError(f"task {self.id} has no outcome yet", self.id)
        return self._outcome

    def cancel(self) -> None:
        """End the record; then stop what runs."""
        why = ErrorData(type="", message=f"task {self.id} was cancelled")
        self._records.end(Outcome(id=self.id, state=State.REVOKED, error=why))
        for each in (self.id, *children_of(self._records.record(self.id).body)):
            self._cancel(each)

    def progress(self) -> Progress | None:
        """What its worker told last."""
        told = self._records.record(self.id).body["progress"]
        return None if told is None else Progress.model_validate(told)

    def log(self, *, follow: bool) -> Iterator[str]:
        """What is in the store; of a task that others do together, what each of them has printed."""
        after: dict[str, str] = {}
        while True:
            ended = not follow or self.wait(0)
            for each in (self.id, *children_of(self._records.record(self.id).body)):
                for key, text in self._logs.read(each, after.get(each)):
                    after[each] = key
                    yield text
            if ended:
                return
            self.wait(LONGEST_PAUSE)

    def explain(self) -> str:
        """Where it is and why."""
        return describe(self.id, self._records, self._backend().serves)


def describe(task_id: str, records: TaskRecords, served: Callable[[frozenset[str]], bool]) -> str:
    """Where a durable task is and why, as a sentence.

    Args:
        task_id: whose.
        records: the tasks.
        served: whether some live worker offers these labels.
    """
    body = records.record(task_id).body
    state = records.state(task_id)
    now = records.now()
    if state.final:
        outcome = records.outcome(task_id)
        why = f": {outcome.error.message}" if outcome and outcome.error else ""
        return f"task {task_id} has ended with {state}{why}"
    if children := children_of(body):
        shared = f"{len(children)} tasks have done so together for {now - body['started']:.0f} seconds"
        return f"task {task_id} is being run: {shared}, and {len(body[DONE])} of them have ended"
    if state is State.STARTED:
        return f"task {task_id} has been running for {now - body['started']:.0f} seconds on worker {body['worker']}"
    if body["state"] == State.STARTED:
        return f"the worker {body['worker']} of task {task_id} gives no signs of life; another one is going to run it"
    if body["due"] is not None and body["due"] > now:
        return f"task {task_id} failed {body['failures']} times and is run again in {body['due'] - now:.0f} seconds"
    waited = f"task {task_id} has been waiting for a worker for {now - body['waiting']:.0f} seconds"
    require = frozenset(body["require"])
    if served(require):
        return f"{waited}; workers for it live, and are busy or about to take it"
    asked = f"offers its labels {', '.join(sorted(require))}" if require else "is there"
    return f"{waited}; no live worker {asked}"

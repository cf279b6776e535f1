"""A durable task as its handle sees it: its record is the truth, in whatever process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from omcore.errors import StorageError, TaskLostError
from omcore.runtimes.family import DONE, children_of
from omcore.runtimes.progress import Progress
from omcore.runtimes.task import ErrorData, Outcome, State
from omcore.runtimes.tracking import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.keeper import Keeper
    from omcore.runtimes.logs import TaskLogs
    from omcore.runtimes.records import TaskRecords

SLICE = 1.0
"""Seconds that are waited for the engine before the record is looked at."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.5
"""Seconds between two looks at a record."""


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
            self._outcome = self._keeper.settle(self.id) or self._mind()
        return self._outcome is not None

    def _mind(self) -> Outcome | None:
        try:
            return self._keeper.mind(self.id)
        except StorageError:
            settled = self._keeper.settle(self.id)  # as it was closed, in another thread
            if settled is None:
                raise
            return settled

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

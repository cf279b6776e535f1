"""A handle: what the caller of a task holds in hand."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any

from omcore.errors import OmError, TaskCancelledError, TaskError, TaskLostError, TaskTimeoutError
from omcore.runtimes.backend import EngineState
from omcore.runtimes.errordata import to_data, to_error
from omcore.runtimes.task import ErrorData, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from omcore.runtimes.backend import EngineHandle
    from omcore.runtimes.records import TaskRecords
    from omcore.runtimes.task import Value

_ENGINE_STATES = {
    EngineState.QUEUED: State.PENDING,
    EngineState.RUNNING: State.STARTED,
    EngineState.CANCELLED: State.REVOKED,
    EngineState.LOST: State.LOST,
}


class Handle:
    """One submitted task.

    Await it, or call `get`. A handle of a durable task reads the task's record, so it tells the truth in any process;
    a handle of a light task knows what the engine knows.
    """

    def __init__(
        self,
        task_id: str,
        engine: EngineHandle | None,
        records: TaskRecords | None,
        decode: Callable[[Value], Any],
        cancel: Callable[[str], None],
    ) -> None:
        self._id = task_id
        self._engine = engine
        self._records = records
        self._decode = decode
        self._cancel = cancel

    @property
    def id(self) -> str:
        """The task's id; `om.runtime.task(id)` finds a durable task again from any process."""
        return self._id

    @property
    def status(self) -> State:
        """Where the task is now."""
        state = self._records.state(self._id) if self._records else None
        if state is not None and (state.final or self._engine is None):
            return state
        if self._engine is None:
            return State.PENDING
        engine = self._engine.state
        if engine is EngineState.DONE:
            return Outcome.load(self._engine.outcome()).state
        return _ENGINE_STATES[engine]

    def ready(self) -> bool:
        """Whether the task has ended, in whatever way."""
        return self.status.final

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the task has ended, at most `timeout` seconds (`None`: for ever); say whether it has."""
        if self._engine is not None:
            return self._engine.wait(timeout)
        return self._poll(timeout)

    def _poll(self, timeout: float | None) -> bool:
        """Wait by looking at the record."""
        from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, stop_never, wait_exponential

        stop = stop_never if timeout is None else stop_after_delay(timeout)
        pause = wait_exponential(multiplier=0.01, max=0.5)
        try:
            Retrying(stop=stop, wait=pause, retry=retry_if_result(lambda done: not done))(self.ready)
        except RetryError:
            return False
        return True

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the task and return its value.

        Args:
            timeout: seconds to wait; `None` for ever. The task goes on when waiting ends.

        Raises:
            TaskFailedError: the action raised; the cause has the original type where that is known here.
            TaskTimeoutError: waiting took longer than `timeout`, or the task longer than it was allowed.
            TaskCancelledError: the task was cancelled.
            TaskLostError: the task's worker is gone.
        """
        started = time.monotonic()
        if not self.wait(timeout):
            waited = time.monotonic() - started
            message = f"task {self._id} is still {self.status} after {waited:.1f} seconds; it goes on, ask again later"
            raise TaskTimeoutError(message, self._id)
        outcome = self._outcome()
        if outcome.state is not State.SUCCESS:
            raise to_error(outcome)
        return None if outcome.value is None else self._decode(outcome.value)

    def cancel(self) -> None:
        """Cancel the task: one that waits never starts, and no result of it becomes visible any more.

        Whether a running one is stopped or runs on in vain depends on the runtime; a task that has ended stays as it
        is.
        """
        if self._records is not None:
            why = ErrorData(type="", message=f"task {self._id} was cancelled")
            self._records.end(Outcome(id=self._id, state=State.REVOKED, error=why))
        self._cancel(self._id)

    def _outcome(self) -> Outcome:
        recorded = self._records.outcome(self._id) if self._records else None
        if recorded is not None:
            return recorded
        if self._engine is None:  # wait() said it has ended, so there is a record
            raise TaskLostError(f"task {self._id} has no outcome", self._id)
        try:
            return self._told(Outcome.load(self._engine.outcome()))
        except TaskCancelledError as error:
            return self._settle(State.REVOKED, error)
        except TaskLostError as error:
            return self._settle(State.LOST, error)
        except TaskTimeoutError as error:
            return self._settle(State.FAILURE, error)

    def _told(self, outcome: Outcome) -> Outcome:
        """What the worker says has become of the task; kept in its record where the worker refused to claim it."""
        if self._records is None or self._records.state(self._id) is not State.PENDING:
            return outcome
        return self._records.end(outcome)

    def _settle(self, state: State, error: TaskError) -> Outcome:
        """What the engine says has become of the task, kept in its record unless that knows better."""
        outcome = Outcome(id=self._id, state=state, error=to_data(error))
        return outcome if self._records is None else self._records.end(outcome)

    def __await__(self) -> Generator[Any, None, Any]:
        result: Future[Any] = Future()
        result.set_running_or_notify_cancel()
        Thread(target=self._tell, args=(result,), name=f"om-await-{self._id}", daemon=True).start()
        return asyncio.wrap_future(result).__await__()

    def _tell(self, result: Future[Any]) -> None:
        """Wait in a thread that keeps no loop and no interpreter from ending, as those of a pool would."""
        try:
            result.set_result(self.get())
        except BaseException as error:  # noqa: BLE001 - it is raised where the handle is awaited
            result.set_exception(error)

    def __repr__(self) -> str:
        try:
            return f"<task {self._id} {self.status}>"
        except OmError:  # the storage is closed or out of reach
            return f"<task {self._id}>"

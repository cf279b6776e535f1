"""An engine that does by hand what a test says: it starts nothing, and ends a delivery when it is told how."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pydantic import BaseModel

from omcore.errors import TaskCancelledError, TaskError
from omcore.runtimes.backend import EngineState, RuntimeBackend, Strengths, WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.backend import Delivery
    from omcore.runtimes.task import Outcome


class HandMade:
    """One delivery."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.state = EngineState.QUEUED
        self._ended = threading.Event()
        self._result: bytes | TaskError = b""

    def end(self, result: Outcome | TaskError) -> None:
        """It has ended in this way."""
        self._result = result if isinstance(result, TaskError) else result.dump()
        self.state = EngineState.LOST if isinstance(result, TaskError) else EngineState.DONE
        self._ended.set()

    def wait(self, timeout: float | None) -> bool:
        return self._ended.wait(timeout)

    def outcome(self) -> bytes:
        if isinstance(self._result, TaskError):
            raise self._result
        return self._result


class Engine(RuntimeBackend):
    """Holds what it is given."""

    api_version = 1
    Options = BaseModel
    strengths = Strengths(cancel="kill", delivery="at-most-once", in_order=True, sees_death=True)

    def __init__(self, holds: str | None = None) -> None:
        self.made: list[HandMade] = []
        self.cancelled: list[str] = []
        self.refusal: TaskError | None = None
        self.holds = holds
        self.offers = frozenset({"cpu"})

    def submit(self, delivery: Delivery) -> HandMade:
        if self.refusal is not None:
            raise self.refusal
        self.made.append(HandMade(delivery))
        return self.made[-1]

    def cancel(self, task_id: str) -> None:
        self.cancelled.append(task_id)
        for handle in self.made:
            if handle.delivery.id == task_id and not handle.wait(0):
                handle.end(TaskCancelledError("cancelled", task_id))

    def workers(self) -> Sequence[WorkerInfo]:
        return [WorkerInfo("w", self.offers)]

    def holder(self, require: frozenset[str]) -> str | None:
        return self.holds

    def close(self) -> None:
        return

"""The deliveries of tasks that do one together, as if they were one delivery of that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from omcore.runtimes.backend import EngineState
from omcore.runtimes.task import Outcome, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.backend import EngineHandle


class Together:
    """What the engine knows of a task that several tasks do. Its record alone knows what came of it."""

    def __init__(self, task_id: str, engines: Sequence[EngineHandle]) -> None:
        self._id = task_id
        self._engines = tuple(engines)

    @property
    def state(self) -> EngineState:
        """Running, until the engine has done with all of them."""
        return EngineState.DONE if self.wait(0) else EngineState.RUNNING

    def wait(self, timeout: float | None) -> bool:
        """Wait until the engine has done with all of them, at most so many seconds; say whether it has."""
        until = None if timeout is None else time.monotonic() + timeout
        return all(
            engine.wait(None if until is None else max(0.0, until - time.monotonic())) for engine in self._engines
        )

    def outcome(self) -> bytes:
        """Nothing that is not in the record."""
        return Outcome(id=self._id, state=State.STARTED, recorded=True).dump()

    def __repr__(self) -> str:
        return f"<{len(self._engines)} deliveries for task {self._id}>"

"""Handles that do not tell the truth, or tell it at the wrong time."""

from __future__ import annotations

from omcore.errors import TaskLostError
from omcore.runtimes.backend import EngineState
from omcore.testing.runtime.saboteurs.base import Saboteur, Shadow


class _SaysDoneEarly(Shadow):
    @property
    def state(self) -> EngineState:
        return EngineState.DONE


class SaysDoneEarly(Saboteur):
    """What was handed over is as good as done."""

    caught_by = "test_a_task_that_runs_is_not_final"
    handle = _SaysDoneEarly


class _SaysRunningEarly(Shadow):
    @property
    def state(self) -> EngineState:
        state = super().state
        return EngineState.RUNNING if state is EngineState.QUEUED else state


class SaysRunningEarly(Saboteur):
    """What was handed over is running."""

    caught_by = "test_a_task_behind_another_is_queued"
    handle = _SaysRunningEarly


class _WaitsForEver(Shadow):
    def wait(self, timeout: float | None) -> bool:  # noqa: ARG002 - that is the mistake
        return super().wait(None)


class WaitsForEver(Saboteur):
    """Knows one way to wait."""

    caught_by = "test_waiting_gives_up_after_its_time"
    handle = _WaitsForEver


class _RaisesWhenTimeIsUp(Shadow):
    def wait(self, timeout: float | None) -> bool:
        if super().wait(timeout):
            return True
        raise TimeoutError


class RaisesWhenTimeIsUp(Saboteur):
    """Lets the engine's own error out."""

    caught_by = "test_waiting_gives_up_after_its_time"
    handle = _RaisesWhenTimeIsUp


class _TakesNoneForZero(Shadow):
    def wait(self, timeout: float | None) -> bool:
        return super().wait(timeout or 0)


class TakesNoneForZero(Saboteur):
    """Does not wait when there is no limit."""

    caught_by = "test_waiting_without_a_limit_ends_with_the_task"
    handle = _TakesNoneForZero


class _AnswersOnce(Shadow):
    fetched = False

    def outcome(self) -> bytes:
        if self.fetched:
            raise TaskLostError("the outcome was fetched before, and is gone")
        self.fetched = True
        return super().outcome()


class AnswersOnce(Saboteur):
    """Forgets an outcome that was fetched."""

    caught_by = "test_what_is_done_stays_done"
    handle = _AnswersOnce


class _SaysWhereItIs(Shadow):
    __repr__ = object.__repr__


class SaysWhereItIs(Saboteur):
    """Has no words for itself."""

    caught_by = "test_printing_tells_no_secret_and_no_address"
    handle = _SaysWhereItIs


class ShowsItsContexts(Saboteur):
    """Tells all it knows."""

    caught_by = "test_printing_tells_no_secret_and_no_address"

    def __repr__(self) -> str:
        return f"<runtime with {self._worker.contexts!r}>"

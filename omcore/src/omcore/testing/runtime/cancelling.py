"""Promises about cancelling: the handle is final at once, a waiting task never starts, and nobody else is harmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskCancelledError
from omcore.runtimes.backend import EngineState
from omcore.testing import workloads
from omcore.testing.runtime.fixtures import PLAIN, RuntimeKit, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.backend import EngineHandle, RuntimeBackend
    from omcore.testing.runtime.fixtures import Stage


class CancelPromises(RuntimeKit):
    """What `cancel` does, and to whom."""

    def test_a_queued_task_that_is_cancelled_never_starts(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that a cancelled delivery is taken out of the queue, or refused by the worker."""
        first = self.held(runtime, stage, "first")
        second = self.hold(runtime, stage, "second")
        runtime.cancel("second")
        self._check_cancelled(second, "second")
        stage.release_all()
        assert self.outcome(first)
        self.check_that_it_serves(runtime)
        assert not stage.started("second")
        self._check_cancelled(second, "second")

    def test_a_running_task_that_is_cancelled_is_final_at_once(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that `cancel` settles the handle itself, before the engine has stopped the body."""
        handle = self.held(runtime, stage, "a")
        runtime.cancel("a")
        self._check_cancelled(handle, "a")
        stage.release_all()
        self.check_that_it_serves(runtime)
        self._check_cancelled(handle, "a")

    def test_a_running_task_that_is_killed_runs_no_further(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that the process of the task is ended, and that a worker takes its place."""
        if runtime.strengths.cancel != "kill":
            pytest.skip("it does not promise to kill what runs")
        self.held(runtime, stage, "a")
        runtime.cancel("a")
        self.check_that_it_serves(runtime)
        stage.release_all()
        self.check_that_it_serves(runtime)
        assert not stage.finished("a")

    def test_cancelling_one_task_leaves_the_others_alone(
        self, runtime_with: Callable[..., RuntimeBackend], stage: Stage
    ) -> None:
        """If this fails, check that a kill ends one worker and one task, and that the queue goes on."""
        runtime = runtime_with(PLAIN, PLAIN)
        running = self.held(runtime, stage, "running")
        self.held(runtime, stage, "unwanted")
        queued = [self.hold(runtime, stage, f"queued-{number}") for number in range(3)]
        runtime.cancel("unwanted")
        stage.release_all()
        for handle in (running, *queued):
            assert self.outcome(handle)
        assert len(stage.started("running")) == 1

    def test_cancelling_covers_every_delivery_of_an_id(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that deliveries are kept by handle, or all of them under the id of their task."""
        self.held(runtime, stage, "first")
        twice = [self.hold(runtime, stage, "twice") for _ in range(2)]
        runtime.cancel("twice")
        for handle in twice:
            self._check_cancelled(handle, "twice")
        stage.release_all()
        self.check_that_it_serves(runtime)
        assert not stage.started("twice")

    def test_cancelling_what_is_unknown_is_no_error(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that an id which the engine does not know is passed over."""
        runtime.cancel("nobody-submitted-this")
        runtime.cancel(new_id())
        self.check_that_it_serves(runtime)

    def test_cancelling_what_is_done_changes_nothing(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that a final handle stays as it is."""
        envelope, task_id = workloads.envelope("echo", value="done"), new_id()
        handle = self.send(runtime, envelope, task_id=task_id)
        self.final(handle)
        runtime.cancel(task_id)
        runtime.cancel(task_id)
        assert handle.state is EngineState.DONE
        assert handle.outcome() == envelope
        self.check_that_it_serves(runtime)

    def _check_cancelled(self, handle: EngineHandle, task_id: str) -> None:
        assert handle.state is EngineState.CANCELLED
        assert handle.wait(0) is True
        with pytest.raises(TaskCancelledError) as caught:
            handle.outcome()
        assert caught.value.task_id == task_id

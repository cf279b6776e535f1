"""Promises about handles: states are true, waiting ends when it should, and what has ended stays as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.backend import EngineState
from omcore.testing import workloads
from omcore.testing.runtime.fixtures import SECRET, RuntimeKit, background

if TYPE_CHECKING:
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.testing.runtime.fixtures import Stage

OPEN = {EngineState.QUEUED, EngineState.RUNNING}


class HandlePromises(RuntimeKit):
    """What a handle says."""

    def test_a_task_that_runs_is_not_final(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that `state` is asked of the engine, and is DONE only when there is an outcome."""
        handle = self.held(runtime, stage, "a")
        assert handle.state in OPEN
        stage.release("a")
        self.final(handle)
        assert handle.state is EngineState.DONE

    def test_a_task_behind_another_is_queued(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that a task is RUNNING only once a worker has begun it, not when it was handed over."""
        self.held(runtime, stage, "first")
        handle = self.hold(runtime, stage, "second")
        assert handle.state is EngineState.QUEUED
        stage.release("first")
        self.until(lambda: stage.started("second"), "the second task is never started")
        assert handle.state in OPEN

    @pytest.mark.parametrize("timeout", [0, 0.05])
    def test_waiting_gives_up_after_its_time(self, runtime: RuntimeBackend, stage: Stage, timeout: float) -> None:
        """If this fails, check that `wait` returns False, and neither raises nor ends the task, when time is up."""
        handle = self.held(runtime, stage, "a")
        assert background(handle.wait, timeout).result(self.patience) is False
        stage.release_all()
        assert self.outcome(handle)

    def test_waiting_without_a_limit_ends_with_the_task(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that `wait(None)` is woken when the outcome is there."""
        handle = self.held(runtime, stage, "a")
        waiting = [background(handle.wait, None) for _ in range(3)]
        assert not any(each.done() for each in waiting)
        stage.release("a")
        assert [each.result(self.patience) for each in waiting] == [True] * 3

    def test_what_is_done_stays_done(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that an outcome can be asked for as often as one likes, also after other tasks."""
        envelope = workloads.envelope("echo", value="kept")
        handle = self.send(runtime, envelope)
        self.final(handle)
        for _ in range(3):
            assert handle.wait(0) is True
            assert handle.wait(None) is True
            assert handle.state is EngineState.DONE
            assert handle.outcome() == envelope
            self.check_that_it_serves(runtime)

    def test_printing_tells_no_secret_and_no_address(self, runtime: RuntimeBackend) -> None:
        """If this fails, give the runtime and its handles a `__repr__` that says what they are, not where in memory."""
        handle = self.send(runtime, workloads.envelope("echo", value=SECRET), task_id="kit-printed")
        self.final(handle)
        for text in (repr(runtime), str(runtime), repr(handle), str(handle), repr(runtime.workers())):
            assert SECRET not in text
            assert not re.search("0x[0-9a-fA-F]{4,}", text)

"""Promises about cancelling: nothing of the task becomes visible, whoever cancels it, and it soon runs no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskCancelledError
from omcore.runtimes.task import State
from omcore.testing.acts import TICK
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.testing.runtime.fixtures import Stage

STOPPED_WITHIN = 10.0
"""Seconds in which a cancelled task ends that runs in a worker process."""

SILENCE = 50 * TICK
"""Seconds without a sign of life after which a task is taken to run no more."""

RACES = 5


class CancelPromises(TaskKit):
    """What `cancel` does."""

    @pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
    def test_a_queued_task_that_is_cancelled_never_starts(self, om: Omega, stage: Stage, *, durable: bool) -> None:
        """If this fails, check that a cancelled delivery is taken out of the queue, or refused by the worker."""
        self.held(om.runtime.require("gpu"), stage, "first")
        scope = om.runtime.require("gpu")
        order = {"folder": str(stage.folder), "name": "second"}
        second = self.run(scope, "note", **order) if durable else self.predict(scope, "note", **order)
        second.cancel()
        self._check_cancelled(second)
        stage.release_all()
        self.run(scope, "give", value=1).get(self.patience)
        assert not stage.started("second")
        assert self.versions(om) == 2

    def test_nothing_of_a_running_task_that_is_cancelled_becomes_visible(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a worker writes no record and no version besides what `execute` does."""
        handle = self.held(om.runtime.require("gpu"), stage, "a")
        handle.cancel()
        self._check_cancelled(handle)
        stage.release_all()
        self.check_that_it_serves(om, "gpu")
        self._check_cancelled(handle)
        assert self.versions(om) == 1

    def test_a_light_task_that_runs_is_cancelled_at_once(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `cancel` settles the handle itself, before the engine has stopped the body."""
        handle = self.predict(self.light(om), "hold", folder=str(stage.folder), name="a")
        self.until(lambda: stage.started("a"), "the task is never started")
        handle.cancel()
        self._check_cancelled(handle)
        stage.release_all()
        self.check_that_it_serves(om)
        self._check_cancelled(handle)

    def test_a_running_task_that_is_cancelled_stops(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that the process of a cancelled task is ended, or that nothing catches its interrupt."""
        self._check_that_it_stops(om, stage, stubborn=False)
        self.check_that_it_serves(om)

    def test_a_running_task_that_does_not_listen_is_stopped_with_its_process(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a worker runs a task in the main thread of a process, so that it can be ended."""
        self.needs_processes()
        self._check_that_it_stops(om, stage, stubborn=True)
        self.check_that_it_serves(om)

    def test_a_task_that_has_ended_stays_as_it_is(self, om: Omega) -> None:
        """If this fails, check that `cancel` changes no handle that is final."""
        done = self.run(om.runtime, "give", value=1)
        stored = done.get(self.patience)
        light = self.predict(self.light(om), "give", value=1)
        light.get(self.patience)
        for handle in (done, light, done):
            handle.cancel()
            assert handle.status is State.SUCCESS
        assert om.runtime.task(done.id).get() == stored

    def test_another_process_can_cancel_a_running_task(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `cancel` of an id that this client did not submit is no error."""
        with self.visitor(om) as visitor:
            self.spare(om, stage)
            handle = self.run(om.runtime, "tick", folder=str(stage.folder), name="a")
            self.until(lambda: _ticked(stage, "a"), "the task is never started")
            visitor.ask("cancel", task=handle.id)
            self._check_cancelled(handle)
            self._check_silence(stage, "a")
            visitor.leave()
        self.check_that_it_serves(om)
        assert self.versions(om) == 1

    def test_a_task_is_either_cancelled_or_done(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that nobody but `execute` ends a task, and that it is asked for the outcome."""
        self.spare(om, stage)
        done = 0
        for number in range(RACES):
            handle = self.held(om.runtime, stage, f"race-{number}")
            stage.release(f"race-{number}")
            handle.wait(0.005 * number)
            handle.cancel()
            done += self.settled(handle) is State.SUCCESS
            assert handle.status in {State.SUCCESS, State.REVOKED}
            assert self.versions(om) == done

    def _check_that_it_stops(self, om: Omega, stage: Stage, *, stubborn: bool) -> None:
        self.spare(om, stage)
        handle = self.run(om.runtime, "tick", folder=str(stage.folder), name="a", stubborn=stubborn)
        self.until(lambda: _ticked(stage, "a"), "the task is never started")
        handle.cancel()
        self._check_cancelled(handle)
        self._check_silence(stage, "a")

    def _check_silence(self, stage: Stage, name: str) -> None:
        """The signs of life of a task end in time."""
        seen: list[tuple[float, str]] = []

        def silent() -> bool:
            now, tick = time.monotonic(), _ticked(stage, name)
            if not seen or (tick and tick != seen[-1][1]):
                seen.append((now, tick))
            return now > seen[-1][0] + SILENCE

        self.until(silent, "a task that was cancelled runs on")
        lasted = seen[-1][0] - seen[0][0]
        assert lasted < STOPPED_WITHIN or not self.workers_are_processes, "a task ran on after it was cancelled"

    def _check_cancelled(self, handle: Handle) -> None:
        assert handle.status is State.REVOKED
        assert handle.wait(0)
        with pytest.raises(TaskCancelledError):
            handle.get(self.patience)


def _ticked(stage: Stage, name: str) -> str:
    """The latest sign of life of a task."""
    path = stage.folder / f"{name}.tick"
    return path.read_text() if path.exists() else ""

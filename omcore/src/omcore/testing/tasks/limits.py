"""Promises about time: a task that takes too long is ended, and one that failed is run again as often as it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskFailedError, TaskTimeoutError
from omcore.runtimes.task import State
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.scope import Scope
    from omcore.testing.runtime.fixtures import Stage

LIMIT = 0.5


class LimitPromises(TaskKit):
    """Timeouts and retries."""

    @pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
    def test_a_task_that_is_not_started_in_time_is_ended(self, om: Omega, stage: Stage, *, durable: bool) -> None:
        """If this fails, check that a delivery that is cancelled before its start never starts."""
        self.held(om.runtime.require("gpu"), stage, "first")
        scope = om.runtime.require("gpu").timeout(start=LIMIT)
        order = {"folder": str(stage.folder), "name": "late"}
        late = self.run(scope, "note", **order) if durable else self.predict(scope, "note", **order)
        self._check_timed_out(late, "was not started")
        stage.release_all()
        self.run(om.runtime.require("gpu"), "give", value=1).get(self.patience)
        assert not stage.started("late")

    @pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
    def test_a_task_that_runs_too_long_is_ended(self, om: Omega, stage: Stage, *, durable: bool) -> None:
        """If this fails, check that a handle that is LOST by a timeout raises `TaskTimeoutError`, if it has its own."""
        self.check_that_it_serves(om)
        order = {"folder": str(stage.folder), "name": "a"}
        if durable:
            self.spare(om, stage)
            handle = self.run(om.runtime.timeout(LIMIT), "tick", **order)
        else:
            handle = self.predict(self.light(om).timeout(LIMIT), "tick", **order)
        self._check_timed_out(handle, "ran longer")
        self.check_that_it_serves(om)
        assert self.versions(om) == 2

    def test_a_task_that_takes_too_long_in_all_is_ended(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that the runtime delivers a task again whenever it is submitted again."""
        scope = om.runtime.timeout(total=2 * LIMIT).retry(1000, delay=0.05, factor=1)
        handle = self.run(scope, "fail", folder=str(stage.folder), name="a", times=1000)
        self._check_timed_out(handle, "had not ended")
        assert len(stage.started("a")) >= 1
        self.check_that_it_serves(om)

    def test_a_task_within_its_limits_is_left_alone(self, om: Omega, stage: Stage) -> None:
        """If this fails, check the unit of `Delivery.timeout`: seconds, from the start of the task."""
        scope = om.runtime.timeout(self.patience, start=self.patience, total=2 * self.patience)
        handle = self.held(scope, stage, "a")
        assert not handle.wait(LIMIT)
        stage.release("a")
        assert self.settled(handle) is State.SUCCESS

    @pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
    def test_a_task_that_fails_is_run_again_later_and_later(self, om: Omega, stage: Stage, *, durable: bool) -> None:
        """If this fails, check that a task can be submitted again under its id, after it had an outcome."""
        scope = om.runtime.retry(5, delay=0.1, factor=3)
        if durable:
            assert self.settled(self._failing(self.run, scope, stage, times=2)) is State.SUCCESS
            assert self.versions(om) == 1
        else:
            assert self._failing(self.predict, scope, stage, times=2).get(self.patience) == 3
        first, second, third = map(float, (stage.folder / "a.times").read_text().split())
        assert second - first >= 0.1
        assert third - second >= 0.3

    def test_a_task_that_fails_too_often_fails(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a delivery that has an outcome is not delivered again by the engine itself."""
        handle = self._failing(self.run, om.runtime.retry(2, delay=0.05), stage, times=1000)
        with pytest.raises(TaskFailedError, match="attempt 3 failed") as caught:
            handle.get(self.patience)
        assert type(caught.value.__cause__) is ConnectionError
        assert len(stage.started("a")) == 3
        assert self.versions(om) == 0

    def test_only_the_errors_that_are_named_are_tried_again(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a delivery that has an outcome is not delivered again by the engine itself."""
        handle = self._failing(self.run, om.runtime.retry(2, delay=0.05, on=ValueError), stage, times=1)
        assert self.settled(handle) is State.FAILURE
        assert len(stage.started("a")) == 1
        again = self._failing(self.run, om.runtime.retry(2, delay=0.05, on=OSError), stage, times=2)
        assert self.settled(again) is State.SUCCESS

    def _failing(self, submit: Callable[..., Handle], scope: Scope, stage: Stage, *, times: int) -> Handle:
        return submit(scope, "fail", folder=str(stage.folder), name="a", times=times)

    def _check_timed_out(self, handle: Handle, how: str) -> None:
        with pytest.raises(TaskTimeoutError, match=how):
            handle.get(self.patience)
        assert handle.status is State.FAILURE

"""Promises about where a task is: every state is true, also for who asks in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import TaskCancelledError, TaskNotFoundError, TaskTimeoutError
from omcore.runtimes.handle import as_completed
from omcore.runtimes.task import State, new_id
from omcore.testing.tasks.fixtures import MADE, TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.testing.runtime.fixtures import Stage


class StatePromises(TaskKit):
    """Where a task is, and why."""

    def test_a_task_is_queued_and_running_and_done_when_it_is_said_to_be(self, om: Omega, stage: Stage) -> None:
        """If this fails, check the states of your handle: DONE with the outcome alone, and never before it."""
        scope = om.runtime.require("gpu")
        first = self.held(scope, stage, "first")
        second = self.hold(scope, stage, "second")
        assert (first.status, second.status) == (State.STARTED, State.PENDING)
        assert "has been running" in first.explain()
        assert "busy or about to take it" in second.explain()
        assert [handle.wait(0) for handle in (first, second)] == [False, False]
        with pytest.raises(TaskTimeoutError, match="it goes on"):
            second.get(0.1)
        stage.release("first")
        self.until(lambda: stage.started("second"), "the second task is never started")
        assert (self.settled(first), second.status) == (State.SUCCESS, State.STARTED)
        stage.release("second")
        assert self.settled(second) is State.SUCCESS
        assert [handle.explain().endswith("has ended with SUCCESS") for handle in (first, second)] == [True, True]

    def test_a_task_that_nobody_serves_says_so_and_waits(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `workers` lists who lives now, and that `serves` asks for all labels of one."""
        handle = self.hold(om.runtime.require("nobody-offers-this").wait(), stage, "a")
        assert not handle.wait(0.2)
        assert handle.status is State.PENDING
        assert "no live worker offers its labels nobody-offers-this" in handle.explain()
        handle.cancel()
        assert self.settled(handle) is State.REVOKED
        self.check_that_it_serves(om)
        assert not stage.started("a")

    def test_a_task_that_is_run_again_says_so_in_between(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that the outcome of a worker, which says RETRY, comes back as it is."""
        scope = om.runtime.retry(1, delay=600, longest=600)
        handle = self.run(scope, "fail", folder=str(stage.folder), name="a", times=1)
        self.until(lambda: handle.status is State.RETRY, "a task that failed is never said to be run again")
        assert "is run again in" in handle.explain()
        assert not handle.wait(0.2)
        handle.cancel()
        with pytest.raises(TaskCancelledError):
            handle.get()

    @pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
    def test_a_light_task_and_a_durable_one_say_where_they_are(self, om: Omega, stage: Stage, *, durable: bool) -> None:
        """If this fails, check the states of your handle: QUEUED and RUNNING before the end, DONE after it."""
        scope = self.light(om).durable() if durable else self.light(om)
        handle = self.predict(scope, "hold", folder=str(stage.folder), name="a")
        self.until(lambda: stage.started("a"), "the task is never started")
        assert handle.status in ({State.STARTED} if durable else {State.STARTED, State.PENDING})
        assert not handle.ready()
        assert not handle.wait(0)
        stage.release("a")
        assert handle.get(self.patience) == stage.started("a")[0]
        assert (handle.status, handle.ready(), handle.wait(0)) == (State.SUCCESS, True, True)

    def test_an_unknown_task_is_an_error(self, om: Omega) -> None:
        """If this fails, check that nothing but the record of a task is asked for it."""
        with pytest.raises(TaskNotFoundError):
            om.runtime.task(new_id())

    def test_tasks_are_listed_with_their_states(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that the runtime leaves the records of tasks alone."""
        running = self.held(om.runtime, stage, "running")
        done = self.run(om.runtime, "give", value=1)
        failed = self.run(om.runtime, "err", kind="noted")
        for handle in (done, failed):
            self.settled(handle)
        listed = {task.id: task.state for task in om.runtime.tasks() if task.bucket == om.bucket}
        assert listed == {running.id: State.STARTED, done.id: State.SUCCESS, failed.id: State.FAILURE}

    def test_tasks_are_given_as_they_end_and_can_be_awaited(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `wait` of your handle may be called from several threads, and returns in time."""
        held = self.held(om.runtime, stage, "held")
        quick = self.run(om.runtime, "give", value=1)
        ended = as_completed([held, quick], timeout=self.patience)
        assert next(ended) is quick
        stage.release("held")
        assert next(ended) is held

        async def both() -> list[Any]:
            light = self.predict(self.light(om), "give", value=5)
            return [await light, await self.run(om.runtime, "give", value=6)]

        value, stored = asyncio.run(asyncio.wait_for(both(), 2 * self.patience))
        assert (value, stored.name) == (5, MADE)

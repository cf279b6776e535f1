"""Promises about workers that die: each of their tasks ends all the same, and has one result or a reason."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskLostError
from omcore.runtimes.task import State
from omcore.testing.tasks.fixtures import MADE, TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.testing.runtime.fixtures import Stage

DELIVERIES = 2


class LossPromises(TaskKit):
    """What becomes of a task whose worker is gone; the worker's process is the one that the task itself tells."""

    def test_a_task_whose_worker_is_killed_is_run_again_and_has_one_result(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a task can be submitted again under its id, and that a new worker takes it."""
        self.needs_processes()
        self.spare(om, stage)
        handle = self.held(self.brief(om), stage, "a")
        others = [self.run(self.brief(om), "note", folder=str(stage.folder), name=f"b{number}") for number in range(3)]
        os.kill(stage.started("a")[0], signal.SIGKILL)
        self.until(lambda: len(stage.started("a")) == 2, "a task whose worker was killed is not started again")
        assert handle.status is State.STARTED
        stage.release("a")
        assert [self.settled(each) for each in (handle, *others)] == [State.SUCCESS] * 4
        assert len(stage.started("a")) == 2
        assert [len(stage.started(f"b{number}")) for number in range(3)] == [1] * 3
        assert self.versions(om) == 4

    def test_a_task_that_kills_its_workers_is_lost_after_so_many(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that neither the engine nor a worker starts a task again on its own, without end."""
        self.needs_processes()
        self.spare(om, stage)
        other = self.with_actor(om, task={"deliveries": DELIVERIES})
        order = {"folder": str(stage.folder), "name": "poison", "how": "kill"}
        poison = self.run(self.brief(om), "end", spare=os.getpid(), **order)
        others = [self.run(self.brief(other), "give", value=number) for number in range(5)]
        with pytest.raises(TaskLostError, match="was given to 2 workers one after the other"):
            poison.get(self.patience)
        assert poison.status is State.LOST
        assert [self.settled(each) for each in others] == [State.SUCCESS] * 5
        assert len(stage.started("poison")) == DELIVERIES
        assert self.versions(om) == 5

    def test_a_worker_that_stops_and_goes_on_has_lost_its_task(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a worker does nothing besides `execute`, whose commit is refused then."""
        self.needs_processes()
        handle = self.held(self.brief(om), stage, "a")
        (process,) = stage.started("a")
        os.kill(process, signal.SIGSTOP)
        try:
            self.until(lambda: len(stage.started("a")) == 2, "a task whose worker says nothing is not started again")
            stage.release("a")
            stored = handle.get(self.patience)
        finally:
            with suppress(ProcessLookupError):  # the runtime may have ended it
                os.kill(process, signal.SIGCONT)
        for _ in range(4):
            self.check_that_it_serves(om)
        assert om.runtime.task(handle.id).get().version == stored.version
        assert [version.provenance.get("task") for version in om.datasets.versions(MADE)].count(handle.id) == 1
        assert len(stage.started("a")) == 2

    def test_a_light_task_whose_worker_is_killed_ends(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that nobody waits for a message from a worker that is gone."""
        self.needs_processes()
        handle = self.predict(self.light(om), "hold", folder=str(stage.folder), name="a")
        self.until(lambda: stage.started("a"), "the task is never started")
        os.kill(stage.started("a")[0], signal.SIGKILL)
        stage.release("a")
        assert self.settled(handle) in {State.LOST, State.SUCCESS}
        assert (handle.status is State.SUCCESS) == (len(stage.started("a")) > 1)
        self.check_that_it_serves(om)

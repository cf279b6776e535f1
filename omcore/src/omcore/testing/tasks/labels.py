"""Promises about labels: a task runs where all of its labels are offered, and says so when that is nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import NoWorkerError
from omcore.runtimes.task import State
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.runtimes.scope import Scope
    from omcore.testing.runtime.fixtures import Stage


class LabelPromises(TaskKit):
    """Where a task runs. One worker offers `gpu` and `big`, the other nothing."""

    @pytest.mark.parametrize("require", [("gpu",), ("big",), ("gpu", "big")], ids="-and-".join)
    def test_a_task_goes_to_the_worker_that_offers_its_labels(
        self, om: Omega, stage: Stage, require: tuple[str, ...]
    ) -> None:
        """If this fails, check that `require` of a delivery reaches the engine: the worker without labels is free."""
        self.held(om.runtime.require("gpu", "big"), stage, "first")
        self._check_that_it_waits_for_the_same_worker(om, stage, om.runtime.require(*require))

    def test_a_light_task_goes_there_as_well(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that light tasks take no other way to the workers than durable ones."""
        self.held(om.runtime.require("gpu"), stage, "first")
        second = self.predict(om.runtime.require("big"), "hold", folder=str(stage.folder), name="second")
        self.check_that_it_serves(om)
        assert not stage.started("second")
        stage.release_all()
        assert second.get(self.patience) == stage.started("first")[0] or not self.workers_are_processes

    def test_the_labels_in_an_objects_attributes_hold(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `require` of a delivery is all that decides where it goes."""
        self.with_actor(om, require=["gpu", "big"])
        self.held(om.runtime, stage, "first")
        second = self.hold(om.runtime, stage, "second")
        self.with_actor(om, require=[])
        self.check_that_it_serves(om)
        assert not stage.started("second")
        assert second.status is State.PENDING
        assert om.runtime.require("gpu").explain().served

    def test_labels_that_nobody_offers_together_are_refused_at_once(self, om: Omega) -> None:
        """If this fails, check that `serves` is about one worker, and `labels` about all of them."""
        tasks = len(om.runtime.tasks())
        for require in (("nobody-offers-this",), ("gpu", "nobody-offers-this")):
            for submit in (self.run, self.predict):
                with pytest.raises(NoWorkerError, match="'big', 'gpu'"):
                    submit(om.runtime.require(*require), "give")
        assert len(om.runtime.tasks()) == tasks
        assert not om.runtime.require("nobody-offers-this").explain().served

    def _check_that_it_waits_for_the_same_worker(self, om: Omega, stage: Stage, scope: Scope) -> None:
        second = self.hold(scope, stage, "second")
        self.check_that_it_serves(om)
        assert not stage.started("second")
        assert second.status is State.PENDING
        stage.release_all()
        assert self.settled(second) is State.SUCCESS
        if self.workers_are_processes:
            assert stage.started("second") == stage.started("first")

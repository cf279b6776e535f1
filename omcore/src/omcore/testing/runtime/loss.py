"""Promises about lost workers and lost time: a handle becomes final, says why, and the others go on."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskLostError, TaskTimeoutError
from omcore.runtimes.backend import EngineState
from omcore.testing import workloads
from omcore.testing.runtime.fixtures import PLAIN, RuntimeKit

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.backend import EngineHandle, RuntimeBackend
    from omcore.testing.runtime.fixtures import Stage

ENDINGS = {"killed": None, "exit code 0": 0, "exit code 3": 3}


class LossPromises(RuntimeKit):
    """What becomes of a task whose worker ends under it."""

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_a_worker_that_ends_is_noticed(self, runtime: RuntimeBackend, stage: Stage, ending: str) -> None:
        """If this fails, check how the death of a worker, also one that exits quietly, reaches the handle."""
        handle = self._die(runtime, stage, "dying", ENDINGS[ending])
        self._check_that_it_was_noticed(handle, runtime, "dying")
        self.check_that_it_serves(runtime)

    def test_a_worker_that_is_killed_from_outside_is_noticed(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that nobody waits for a message from a worker that is gone."""
        handle = self.held(runtime, stage, "held")
        (process,) = stage.started("held")
        self._skip_unless_another(process)
        os.kill(process, signal.SIGKILL)
        if runtime.strengths.delivery == "at-least-once":
            self.until(lambda: len(stage.started("held")) == 2, "the task is not delivered again")
            stage.release_all()
            assert self.outcome(handle)
        else:
            self._check_lost(handle, "held")
        self.check_that_it_serves(runtime)

    def test_the_death_of_a_worker_costs_no_other_task(
        self, runtime_with: Callable[..., RuntimeBackend], stage: Stage
    ) -> None:
        """If this fails, check that one death fails one task, neither the pool nor what waits in the queue."""
        runtime = runtime_with(PLAIN, PLAIN)
        other = self.held(runtime, stage, "other")
        dying = self._die(runtime, stage, "dying", None)
        envelopes = [workloads.envelope("echo", value=number) for number in range(20)]
        handles = [self.send(runtime, envelope) for envelope in envelopes]
        assert [self.outcome(handle) for handle in handles] == envelopes
        stage.release_all()
        assert self.outcome(other)
        self._check_that_it_was_noticed(dying, runtime, "dying")

    def test_a_task_that_always_kills_its_worker_is_given_up(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that `max_deliveries` bounds how often a task is started."""
        handle = self._die(runtime, stage, "poison", None, always=True)
        again = runtime.strengths.delivery == "at-least-once"
        self._check_lost(handle, "poison")
        assert len(stage.started("poison")) == (3 if again else 1)
        self.check_that_it_serves(runtime)

    def test_a_task_that_takes_too_long_is_ended(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that `Delivery.timeout` reaches the engine, and that the worker is free again."""
        if runtime.strengths.timeout != "kill":
            pytest.skip("it does not promise to end what takes too long")
        self.check_that_it_serves(runtime)
        envelope = workloads.envelope("hold", folder=str(stage.folder), name="slow")
        handle = self.send(runtime, envelope, task_id="slow", timeout=1.0)
        self.final(handle)
        assert handle.state is EngineState.LOST
        with pytest.raises(TaskTimeoutError) as caught:
            handle.outcome()
        assert caught.value.task_id == "slow"
        self.check_that_it_serves(runtime)
        stage.release_all()
        self.check_that_it_serves(runtime)
        assert not stage.finished("slow")

    def test_a_task_within_its_time_is_left_alone(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check the unit of `Delivery.timeout`: seconds, from the start of the task."""
        envelope = workloads.envelope("hold", folder=str(stage.folder), name="quick")
        handle = self.send(runtime, envelope, timeout=self.patience)
        self.until(lambda: stage.started("quick"), "the task is never started")
        stage.release("quick")
        assert self.outcome(handle)

    def _die(
        self, runtime: RuntimeBackend, stage: Stage, name: str, code: int | None, *, always: bool = False
    ) -> EngineHandle:
        envelope = workloads.envelope(
            "die", folder=str(stage.folder), name=name, spare=os.getpid(), code=code, always=always
        )
        return self.send(runtime, envelope, task_id=name)

    def _check_that_it_was_noticed(self, handle: EngineHandle, runtime: RuntimeBackend, task_id: str) -> None:
        if runtime.strengths.delivery == "at-least-once":
            outcome = self.outcome(handle)
            self._skip_if_refused(outcome)
            assert outcome == workloads.SURVIVED
        else:
            self._check_lost(handle, task_id)

    def _check_lost(self, handle: EngineHandle, task_id: str) -> None:
        self.final(handle)
        if handle.state is EngineState.DONE:
            self._skip_if_refused(handle.outcome())
        assert handle.state is EngineState.LOST
        with pytest.raises(TaskLostError) as caught:
            handle.outcome()
        assert caught.value.task_id == task_id
        assert len(str(caught.value).split()) > 3, "the error says in no sentence what happened"
        assert "\n" not in str(caught.value)

    def _skip_unless_another(self, process: int) -> None:
        if process == os.getpid():
            pytest.skip("its workers are threads of the client, and live as long as that")

    def _skip_if_refused(self, outcome: bytes) -> None:
        if outcome == workloads.REFUSED:
            pytest.skip("its workers are threads of the client, and live as long as that")

"""Promises about workers and labels: a task goes to a worker that offers every label it requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.runtimes.backend import EngineState
from omcore.testing.runtime.fixtures import PLAIN, RuntimeKit

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.backend import RuntimeBackend
    from omcore.testing.runtime.fixtures import Stage

GPU = frozenset({"gpu"})
BIG = frozenset({"big"})


class LabelPromises(RuntimeKit):
    """Who works, and who may work on what."""

    def test_workers_are_listed_with_what_they_offer(self, runtime_with: Callable[..., RuntimeBackend]) -> None:
        """If this fails, check that `workers` tells each worker once, with an id of its own and its labels."""
        offers = [PLAIN, GPU, GPU | BIG]
        runtime = runtime_with(*offers)
        self.until(lambda: len(runtime.workers()) == len(offers), "the workers are never all listed")
        workers = runtime.workers()
        assert sorted(sorted(worker.labels) for worker in workers) == sorted(map(sorted, offers))
        assert len({worker.id for worker in workers}) == len(offers)
        assert [worker.capacity for worker in workers] == [1] * len(offers)
        assert runtime.labels() == GPU | BIG

    def test_labels_are_served_together_or_not_at_all(self, runtime_with: Callable[..., RuntimeBackend]) -> None:
        """If this fails, check that `serves` looks for one worker with all the labels, not for one worker a label."""
        runtime = runtime_with(GPU, BIG)
        self.until(lambda: len(runtime.workers()) == 2, "the workers are never all listed")
        assert runtime.serves(PLAIN)
        assert runtime.serves(GPU)
        assert runtime.serves(BIG)
        assert not runtime.serves(GPU | BIG)
        assert not runtime.serves(frozenset({"nobody-offers-this"}))

    def test_a_task_goes_to_no_worker_without_its_label(
        self, runtime_with: Callable[..., RuntimeBackend], stage: Stage
    ) -> None:
        """If this fails, check that `require` reaches the engine: a free worker without the label must stay free."""
        runtime = runtime_with(PLAIN, GPU)
        self.held(runtime, stage, "first", "gpu")
        second = self.hold(runtime, stage, "second", "gpu")
        self.check_that_it_serves(runtime)
        assert not stage.started("second")
        assert second.state is EngineState.QUEUED
        stage.release_all()
        assert self.outcome(second)

    def test_a_task_goes_to_a_worker_with_all_its_labels(
        self, runtime_with: Callable[..., RuntimeBackend], stage: Stage
    ) -> None:
        """If this fails, check that several labels are required together, not any of them."""
        runtime = runtime_with(GPU, GPU | BIG)
        self.held(runtime, stage, "first", "gpu", "big")
        second = self.hold(runtime, stage, "second", "big", "gpu")
        self.check_that_it_serves(runtime, "gpu")
        assert not stage.started("second")
        stage.release_all()
        assert self.outcome(second)

    def test_a_task_without_labels_goes_to_any_worker(self, runtime_with: Callable[..., RuntimeBackend]) -> None:
        """If this fails, check that a worker with labels also takes tasks that require none."""
        runtime = runtime_with(GPU)
        self.check_that_it_serves(runtime)

    def test_a_task_that_nobody_serves_waits_and_harms_nobody(
        self, runtime_with: Callable[..., RuntimeBackend], stage: Stage
    ) -> None:
        """If this fails, check that a task without a worker is neither run nor blocks those behind it."""
        runtime = runtime_with(PLAIN)
        waiting = self.hold(runtime, stage, "waiting", "nobody-offers-this")
        self.check_that_it_serves(runtime)
        assert not waiting.wait(0)
        runtime.cancel("waiting")
        assert waiting.state is EngineState.CANCELLED
        assert not stage.started("waiting")

    def test_what_a_worker_runs_is_true_where_it_is_told(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that `running` lists the ids of tasks that have started and have not ended."""
        first = self.held(runtime, stage, "first")
        second = self.hold(runtime, stage, "second")
        assert _told(runtime) <= {"first"}
        stage.release_all()
        for handle in (first, second):
            self.final(handle)
        self.until(lambda: not _told(runtime), "a worker that has nothing to do is said to run something")


def _told(runtime: RuntimeBackend) -> set[str]:
    return {task for worker in runtime.workers() for task in worker.running}

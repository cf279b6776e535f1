"""Mistakes about who works on what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from omcore.runtimes.jobs import Job, JobQueue
from omcore.testing.runtime.saboteurs.base import Saboteur

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.backend import Delivery, WorkerInfo
    from omcore.runtimes.pool import Pool


class IgnoresLabels(Saboteur):
    """Takes any worker that is free."""

    caught_by = "test_a_task_goes_to_no_worker_without_its_label"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, require=frozenset())


class LooksAtOneLabel(Saboteur):
    """Takes the last of the labels for all of them."""

    caught_by = "test_a_task_goes_to_a_worker_with_all_its_labels"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, require=frozenset(sorted(delivery.require)[-1:]))


class KeepsItsBestWorkersFree(Saboteur):
    """Gives a task without labels only to a worker without labels."""

    caught_by = "test_a_task_without_labels_goes_to_any_worker"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, require=delivery.require or frozenset({"plain"}))


class AddsUpLabels(Saboteur):
    """Says yes when somebody has one label and somebody else the other."""

    caught_by = "test_labels_are_served_together_or_not_at_all"

    def serves(self, require: frozenset[str]) -> bool:
        return require <= self.labels()


class WaitsInOneLine(Saboteur):
    """Looks at nothing but the head of the queue."""

    caught_by = "test_a_task_that_nobody_serves_waits_and_harms_nobody"

    def _new_pool(self) -> Pool:
        pool = super()._new_pool()
        pool._queue = _OneLine()
        return pool


class _OneLine(JobQueue):
    def take(self, offers: frozenset[str]) -> Job | None:
        return super().take(offers) if self.fits(offers) else None

    def fits(self, offers: frozenset[str]) -> bool:
        head = min(self._lines, key=lambda require: self._lines[require][0][0], default=None)
        return head is not None and head <= offers


class ListsOneWorkerALabel(Saboteur):
    """Does not count workers that offer the same, or nothing."""

    caught_by = "test_workers_are_listed_with_what_they_offer"

    def workers(self) -> Sequence[WorkerInfo]:
        return [worker for worker in super().workers() if worker.labels]


class CallsAllWorkersTheSame(Saboteur):
    """Names a worker after the machine."""

    caught_by = "test_workers_are_listed_with_what_they_offer"

    def workers(self) -> Sequence[WorkerInfo]:
        return [replace(worker, id="this-machine") for worker in super().workers()]


class RemembersWhatRan(Saboteur):
    """Says that a worker runs what it ran last."""

    caught_by = "test_what_a_worker_runs_is_true_where_it_is_told"
    latest = ""

    def altered(self, delivery: Delivery) -> Delivery:
        self.latest = delivery.id
        return delivery

    def workers(self) -> Sequence[WorkerInfo]:
        return [replace(worker, running=(self.latest,)) for worker in super().workers()]

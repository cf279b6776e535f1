"""Mistakes on the way from `submit` to the outcome."""

from __future__ import annotations

import json
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from omcore.errors import TaskError
from omcore.runtimes.jobs import Job, JobQueue
from omcore.testing.runtime.saboteurs.base import Saboteur, Shadow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.backend import Delivery, EngineHandle, WorkerEntry
    from omcore.runtimes.pool import Pool


class LosesSome(Saboteur):
    """Every tenth delivery goes nowhere."""

    caught_by = "test_each_handle_gets_its_own_outcome"
    number = 0

    def altered(self, delivery: Delivery) -> Delivery:
        self.number += 1
        return delivery if self.number % 10 else replace(delivery, require=frozenset({"nowhere"}))


class MixesUpOutcomes(Saboteur):
    """Answers with the outcome that came last."""

    caught_by = "test_each_handle_gets_its_own_outcome"
    latest: EngineHandle | None = None

    def submit(self, delivery: Delivery) -> EngineHandle:
        before, self.latest = self.latest, super().submit(delivery)
        return before or self.latest


class DeliversTwice(Saboteur):
    """Sends once more, to be sure."""

    caught_by = "test_a_task_is_run_once"

    def submit(self, delivery: Delivery) -> EngineHandle:
        super().submit(delivery)
        return super().submit(delivery)


class TidiesEnvelopes(Saboteur):
    """Reads the envelope, and writes it anew."""

    caught_by = "test_an_envelope_arrives_byte_for_byte"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, envelope=json.dumps(json.loads(delivery.envelope)).encode())


class StripsEnvelopes(Saboteur):
    """Removes white space at the end."""

    caught_by = "test_an_envelope_arrives_byte_for_byte"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, envelope=delivery.envelope.strip())


class _CutsOutcomes(Shadow):
    def outcome(self) -> bytes:
        return super().outcome()[:1_000_000]


class CutsOutcomes(Saboteur):
    """Has room for so much, and no more."""

    caught_by = "test_an_outcome_of_any_size_comes_back"
    handle = _CutsOutcomes


class LastInFirstOut(Saboteur):
    """Takes the newest task first."""

    caught_by = "test_tasks_start_in_the_order_they_were_submitted"

    def _new_pool(self) -> Pool:
        pool = super()._new_pool()
        pool._queue = _Stack()
        return pool


class _Stack(JobQueue):
    def take(self, offers: frozenset[str]) -> Job | None:
        fitting = [line[-1] for require, line in self._lines.items() if require <= offers]
        if not fitting:
            return None
        job = max(fitting, key=lambda entry: entry[0])[1]
        self.discard(job)
        return job


class FollowsTheHandle(Saboteur):
    """Gives up what nobody holds a handle of."""

    caught_by = "test_a_task_runs_though_its_handle_was_dropped"

    def submit(self, delivery: Delivery) -> EngineHandle:
        handle = super().submit(delivery)
        weakref.finalize(handle, self.cancel, delivery.id)
        return handle


class KnowsTheIdAlready(Saboteur):
    """Refuses an id that it has seen."""

    caught_by = "test_an_id_may_be_submitted_again"
    seen: frozenset[str] = frozenset()

    def altered(self, delivery: Delivery) -> Delivery:
        if delivery.id in self.seen:
            raise TaskError(f"task {delivery.id} was submitted before", delivery.id)
        self.seen |= {delivery.id}
        return delivery


class TakesTwoAtOnce(Saboteur):
    """Has twice the workers that it was told to have."""

    caught_by = "test_one_worker_runs_one_task_at_a_time"

    @classmethod
    def started(cls, worker: WorkerEntry, offers: Sequence[frozenset[str]]) -> Self:
        return super().started(worker, [*offers, *offers])


class UsesOneWorker(Saboteur):
    """Lets all but one of its workers idle."""

    caught_by = "test_two_workers_work_at_the_same_time"

    @classmethod
    def started(cls, worker: WorkerEntry, offers: Sequence[frozenset[str]]) -> Self:
        return super().started(worker, offers[:1])

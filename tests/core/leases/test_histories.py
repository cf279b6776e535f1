"""Ten thousand lives of durable tasks, compared with a model; and defects that such a comparison must find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from omcore.runtimes import lease
from omcore.runtimes.records import TaskRecords
from omcore.runtimes.task import State
from omcore.runtimes.tasktable import id_of

from .histories import History, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from omcore.runtimes.claims import Claim
    from omcore.runtimes.task import Outcome
    from omcore.storage.backend import Change, Record, StorageBackend

    from .world import Clock

_histories = st.binary(min_size=30, max_size=90)  # two bytes a step: drawn at once, which is many times faster


def run_histories(
    number: int, kind: Callable[[StorageBackend, Clock], TaskRecords] = TaskRecords, *, defect: bool = False
) -> None:
    chosen = settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))
    if defect:
        chosen = settings(chosen, derandomize=True, phases=[Phase.generate])

    @chosen
    @given(_histories)
    def lives(drawn: bytes) -> None:
        steps = steps_of(drawn)
        note(" ".join(f"{step.name}({step.which})" for step in steps))
        History(kind).run(steps)

    lives()


def test_every_history_of_tasks_goes_as_the_model_says(scale: int) -> None:
    run_histories(10_000 if scale > 1 else 250)


# --- defects


class CommitsLate(TaskRecords):
    """Ends a task for whatever attempt says so."""

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        return self.end(outcome, changes)


class CommitsAnyAttempt(TaskRecords):
    """Looks at the state alone, not at whose attempt it is."""

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        record = self.record(claim.id)
        if record.body["state"] == State.STARTED:
            return self.end(outcome, changes)
        return super().finish(claim, outcome, changes)


class ReapsTheLiving(TaskRecords):
    """Takes every task that runs for one whose worker is gone."""

    def remedy(
        self, record: Record, sessions: Collection[str], publisher: str, gone: Callable[[str], bool] = lease.nobody_is
    ) -> bool:
        if record.body["state"] == State.STARTED:
            return self._table.swap(record, lease.bereft(record.body, publisher, self.now())) is not None
        return super().remedy(record, sessions, publisher, gone)


class ForgetsCancels(TaskRecords):
    """Tells who cancels that all is well, and the record nothing."""

    def end(self, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        if outcome.state is State.REVOKED and not lease.has_ended(self.record(outcome.id).body):
            return outcome
        return super().end(outcome, changes)


class CountsNoDeaths(TaskRecords):
    """Gives a task whose worker died to one worker after the other, for ever."""

    def remedy(
        self, record: Record, sessions: Collection[str], publisher: str, gone: Callable[[str], bool] = lease.nobody_is
    ) -> bool:
        delivers = super().remedy(record, sessions, publisher, gone)
        if delivers and record.body["state"] == State.STARTED:
            moved = self.record(id_of(record))
            self._table.swap(moved, {**moved.body, "deaths": record.body["deaths"]})
        return delivers


class ClaimsTwice(TaskRecords):
    """Gives a task that runs to whoever asks."""

    def claim(self, task_id: str, worker: str) -> Claim | Outcome:
        record = self.record(task_id)
        if record.body["state"] == State.STARTED:
            self._table.swap(record, {**record.body, "state": State.RETRY.value})
        return super().claim(task_id, worker)


class CommitsInTwoSteps(TaskRecords):
    """Makes what a task stored visible before its end is."""

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        for change in changes:
            if self._table.storage.get_record(change.key) is None:
                self._table.storage.commit([change])
        return super().finish(claim, outcome)


class ForgetsPublishers(TaskRecords):
    """Leaves alone what waits for a worker, whoever is gone."""

    def remedy(
        self, record: Record, sessions: Collection[str], publisher: str, gone: Callable[[str], bool] = lease.nobody_is
    ) -> bool:
        waits = lease.waits(record.body) and record.body["publisher"] not in sessions
        return not waits and super().remedy(record, sessions, publisher, gone)


class SeesNoDeath(TaskRecords):
    """Leaves a task to its lease, also when its worker is known to be gone."""

    def remedy(
        self, record: Record, sessions: Collection[str], publisher: str, gone: Callable[[str], bool] = lease.nobody_is
    ) -> bool:
        return super().remedy(record, sessions, publisher)


DEFECTS = (
    CommitsLate,
    CommitsAnyAttempt,
    ReapsTheLiving,
    ForgetsCancels,
    CountsNoDeaths,
    ClaimsTwice,
    CommitsInTwoSteps,
    ForgetsPublishers,
    SeesNoDeath,
)


@pytest.mark.parametrize("kind", DEFECTS, ids=[kind.__name__ for kind in DEFECTS])
def test_the_comparison_catches_a_planted_defect(kind: type[TaskRecords]) -> None:
    with pytest.raises(AssertionError):
        run_histories(1000, kind, defect=True)

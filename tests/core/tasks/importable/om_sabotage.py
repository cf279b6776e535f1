"""Workers that break one promise each; a context is told to use one of them by `tests.core.tasks.harness`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from omcore import worker
from omcore.runtimes import claims
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.records import TaskRecords
from omcore.runtimes.task import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.claims import Claim
    from omcore.runtimes.task import Outcome
    from omcore.storage.backend import Change


def commits_late(envelope: bytes) -> bytes:
    """Takes every attempt for the current one."""
    claims.is_current = lambda record, claim: True
    return worker.execute(envelope)


def commits_in_two_steps(envelope: bytes) -> bytes:
    """Makes what a task stored visible a while before its end is."""
    finish = _original("finish")

    def two_steps(self: TaskRecords, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        self._table.storage.commit(changes)
        time.sleep(1.0)
        told: Outcome = finish(self, claim, outcome)
        return told

    TaskRecords.finish = two_steps  # type: ignore[method-assign]
    return worker.execute(envelope)


def claims_what_runs(envelope: bytes) -> bytes:
    """Runs whatever is delivered, also what another worker has in hand or has ended."""
    claim = _original("claim")

    def again(self: TaskRecords, task_id: str, name: str) -> Any:
        found = self.record(task_id)
        self._table.swap(found, {**found.body, "state": State.RETRY.value, "outcome": None})
        return claim(self, task_id, name)

    TaskRecords.claim = again  # type: ignore[assignment, method-assign]
    return worker.execute(envelope)


def believes_everybody(envelope: bytes) -> bytes:
    """Looks at no signature."""
    SealedTask.open = lambda self, keys, now=None: self.unverified  # type: ignore[method-assign]
    return worker.execute(envelope)


def _original(name: str) -> Any:
    """A method as it was before a sabotage that may have been done already."""
    kept = f"_sound_{name}"
    if not hasattr(TaskRecords, kept):
        setattr(TaskRecords, kept, getattr(TaskRecords, name))
    return getattr(TaskRecords, kept)

"""The records of durable tasks: the truth about them, in the context's storage.

A record is made before the task is handed to an engine, claimed by the worker that runs it, and ended once, by
compare-and-set, in the same commit as whatever the task stored. So a task whose message arrives twice runs once, and
half an effect is never seen. What the steps do to a record is said in `omcore.runtimes.lease`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from omcore.runtimes import claims, family, lease, tasklist
from omcore.runtimes.backend import ENGINE
from omcore.runtimes.claims import Claim
from omcore.runtimes.endings import Endings
from omcore.runtimes.lease import Need
from omcore.runtimes.task import Outcome, State
from omcore.runtimes.tasktable import TaskTable, envelope_of, id_of, key_of, outcome_of
from omcore.storage.backend import Put

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from omcore.runtimes.lease import Diagnosis
    from omcore.runtimes.task import ErrorData, TaskSpec
    from omcore.runtimes.tasklist import TaskInfo
    from omcore.storage.backend import Change, Record, StorageBackend


class TaskRecords:
    """The durable tasks of one context."""

    def __init__(self, storage: StorageBackend, clock: Callable[[], float] = time.time) -> None:
        self.now = clock
        self._table = TaskTable(storage, clock)
        self._endings = Endings(self._table)

    # --- submitting

    def creation(self, spec: TaskSpec, envelope: bytes, publisher: str) -> Put:
        """The change that makes the record of a task; several can be made in one commit."""
        return Put(key_of(spec.id), lease.created(spec, envelope, publisher), None)

    def create(self, spec: TaskSpec, envelope: bytes, publisher: str) -> None:
        """Make the record of a task that `publisher` is about to submit.

        Raises:
            ConflictError: there is a task of this id.
        """
        self._table.storage.commit([self.creation(spec, envelope, publisher)])

    def create_family(
        self, parent: tuple[TaskSpec, bytes], children: Sequence[tuple[TaskSpec, bytes]], total: int, publisher: str
    ) -> None:
        """Make the records of a task and of those that do it together, all or none.

        Args:
            parent: the task, and its envelope, which is never delivered.
            children: the tasks that do it, in order, with their envelopes.
            total: how many rows they have together.
            publisher: who is about to submit them.

        Raises:
            ConflictError: there is a task of the parent's id.
        """
        made = self.creation(*parent, publisher)
        body = family.begun(made.body, [spec.id for spec, _ in children], total, ENGINE)
        parts = [self.creation(*child, publisher) for child in children]
        self._table.storage.commit([Put(made.key, body, None), *parts])

    def mark_published(self, task_ids: Collection[str], publisher: str) -> None:
        """Note who answers for the delivery of tasks that wait; those that have moved on are left alone."""
        for record in self._table.several(task_ids).values():
            if lease.waits(record.body) and record.body["publisher"] != publisher:
                self._table.swap(record, lease.published(record.body, publisher))

    # --- a worker's side

    def claim(self, task_id: str, worker: str) -> Claim | Outcome:
        """Take a task that waits.

        Returns:
            The claim; or the outcome of a task that has ended; or one in the state `STARTED` or `RETRY`, for a task
            that another worker runs, or whose time has not come.

        Raises:
            TaskNotFoundError: there is no such record.
        """
        while True:
            record = self._table.get(task_id)
            body, now = record.body, self.now()
            if not lease.waits(body) or (body["due"] is not None and body["due"] > now):
                return outcome_of(record) or Outcome(id=task_id, state=State(body["state"]), recorded=True)
            late = lease.diagnose(task_id, body, now, {body["publisher"]}).outcome or self._endings.orphaned(
                task_id, body
            )
            if late is not None:
                return self.end(late)
            taken = self._table.swap(record, lease.claimed(body, worker, now))
            if taken is not None:
                return Claim(taken)

    def renew(self, claim: Claim, progress: Mapping[str, Any] | None = None) -> bool:
        """Say that the worker of a claim lives, and how far it is; `False` when the task went on without it."""
        return claims.change(self._table, claim, lambda body: lease.alive(body, self.now(), progress))

    def holds(self, claim: Claim) -> bool:
        """Say whether a claim still counts; writes nothing."""
        record = self._table.storage.get_record(claim.record.key)
        return record is not None and claims.is_current(record, claim)

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        """End a claimed task and make its changes, all in one commit; return the outcome as it is recorded.

        Raises:
            TaskLostError: the task went on without this claim; nothing was done.
            ConflictError: one of the changes did not fit; nothing was done.
        """
        return self._endings.finish(claim, outcome, changes)

    def retry(self, claim: Claim, error: ErrorData, pause: float, changes: Sequence[Change] = ()) -> Outcome:
        """Have a claimed task, which raised an error, run again after so many seconds; errors as `finish`."""
        claims.commit(self._table, claim, lambda body: lease.failed(body, error, self.now() + pause), changes)
        return Outcome(id=claim.id, state=State.RETRY, error=error, recorded=True)

    def decline(self, claim: Claim, error: ErrorData, pause: float) -> Outcome:
        """Have a claimed task run by another worker, or end it when enough have declined; errors as `finish`."""
        body = claim.record.body
        if body["deaths"] + 1 >= body["deliveries"]:
            return self.finish(claim, Outcome(id=claim.id, state=State.FAILURE, error=error))
        claims.commit(self._table, claim, lambda body: lease.declined(body, error, self.now() + pause))
        return Outcome(id=claim.id, state=State.RETRY, error=error, recorded=True)

    def failures(self, claim: Claim) -> int:
        """How often the action of a claimed task has raised before this attempt."""
        return int(claim.record.body["failures"])

    # --- anybody's side

    def end(self, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        """End a task that nobody will run any more, unless it has ended; return the outcome that counts."""
        return self._endings.end(outcome, changes)

    def lost(self, task_id: str, why: Outcome, publisher: str) -> bool:
        """What ran a task is gone for certain: let it wait for another worker, or end it when enough have died.

        Args:
            task_id: whose worker is gone.
            why: how it would end.
            publisher: who hands it out again.

        Returns:
            Whether it is to be handed to the engine.
        """
        while True:
            record = self._table.get(task_id)
            body = record.body
            if lease.has_ended(body):
                return False
            if body["deaths"] + 1 >= body["deliveries"]:
                reason = why.error.message if why.error else ""
                self.end(lease.used_up(task_id, body, reason))
                return False
            if self._table.swap(record, lease.bereft(body, publisher, self.now())) is not None:
                return True

    def remedy(
        self, record: Record, sessions: Collection[str], publisher: str, gone: Callable[[str], bool] = lease.nobody_is
    ) -> bool:
        """Do what a record needs, as `diagnose` says; return whether the task is to be handed to the engine.

        Args:
            record: as it was read, whole.
            sessions: the processes that live.
            publisher: who hands it out.
            gone: whether a worker is known to be gone.
        """
        task_id, body = id_of(record), record.body
        found = lease.diagnose(task_id, body, self.now(), sessions, gone)
        match found.need:
            case Need.REPLACEMENT:
                return self._table.swap(record, lease.bereft(body, publisher, self.now())) is not None
            case Need.DELIVERY:
                return self._table.swap(record, lease.published(body, publisher)) is not None
        if found.outcome is not None:
            self._endings.try_end(record, found.outcome)
        return False

    def needy(
        self, sessions: Collection[str], gone: Callable[[str], bool] = lease.nobody_is
    ) -> Iterator[tuple[str, Diagnosis]]:
        """The open tasks that need something, and what; the arguments are those of `remedy`."""
        return tasklist.needy(self._table, sessions, gone)

    def record(self, task_id: str) -> Record:
        """The record of a task.

        Raises:
            TaskNotFoundError: there is none.
        """
        return self._table.get(task_id)

    def records(self, task_ids: Collection[str]) -> Mapping[str, Record]:
        """Those of several records that there are, by id."""
        return self._table.several(task_ids)

    def state(self, task_id: str) -> State:
        """Where a task is: what its record says, save that one whose worker is gone waits to be run again.

        One that is over, because it took too long or no worker is left to it, is ended by this: who was told an end
        is never told another one.
        """
        while True:
            record = self._table.get(task_id)
            state, over = lease.truth(task_id, record.body, self.now())
            if over is None or self._endings.try_end(record, over):
                return state

    def outcome(self, task_id: str) -> Outcome | None:
        """The outcome of a task that has ended, or `None`."""
        return outcome_of(self._table.get(task_id))

    def envelope(self, task_id: str) -> bytes:
        """The signed envelope that was submitted."""
        return envelope_of(self._table.get(task_id))

    def find(self, state: State | None = None) -> Iterator[TaskInfo]:
        """The tasks, or those in one state, in any order."""
        return tasklist.find(self._table, self.state, state)

    def ended_before(self, moment: float) -> Mapping[str, str]:
        """The tasks that ended before a time, in seconds since the epoch; by id, what `forget` takes."""
        return tasklist.ended_before(self._table, moment)

    def forget(self, ended: Mapping[str, str]) -> Sequence[str]:
        """Remove the records of tasks that have ended; return the ids of those that are gone by this."""
        return tasklist.forget(self._table, ended)

    # --- tasks that do one together

    def advance(self, parent: Record, child: str, rows: int) -> Put:
        """The change of a parent, as it was read, that says that a child of so many rows has ended well."""
        return Put(parent.key, family.advanced(parent.body, child, rows), parent.revision)

    def ending(self, parent: Record, outcome: Outcome) -> Put:
        """The change that ends a parent, as it was read."""
        return self._endings.ending(parent, outcome)

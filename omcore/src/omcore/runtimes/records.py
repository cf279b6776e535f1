"""The records of durable tasks: the truth about them, in the context's storage.

A record is made before the task is handed to an engine, claimed by the worker that runs it, and ended once, by
compare-and-set, in the same commit as whatever the task stored. So a task whose message arrives twice runs once, and
half an effect is never seen. What the steps do to a record is said in `omcore.runtimes.lease`.
"""

from __future__ import annotations

import re
import reprlib
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, TaskLostError, TaskNotFoundError
from omcore.runtimes import family, lease
from omcore.runtimes.backend import ENGINE
from omcore.runtimes.lease import Need
from omcore.runtimes.task import ID_PATTERN, Outcome, State
from omcore.sentences import one_line
from omcore.storage.backend import Delete, Put, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from omcore.runtimes.lease import Diagnosis
    from omcore.runtimes.task import ErrorData, TaskSpec
    from omcore.storage.backend import Body, Change, StorageBackend

PREFIX = "tasks/"
_ID = re.compile(ID_PATTERN)
SHOWN = ("state", "proxy", "action", "object", "bucket", "submitted", "started", "ended", "worker", "require", "parent")
OPEN = (State.PENDING, State.STARTED, State.RETRY)
_WITHOUT_TEXT = (
    *("state", "attempt", "deaths", "deliveries", "submitted", "waiting", "start_timeout", "deadline", "timeout"),
    *("publisher", "due", "started", "leased", "worker", "error"),
)


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A line about a durable task.

    Attributes:
        id: the task's id.
        state: where it is, as its record says.
        proxy: the proxy's name.
        action: the action's name.
        object: the object's reference, pinned.
        bucket: its bucket.
        submitted: seconds since the epoch.
        started: likewise; `None` before that.
        ended: likewise; `None` before that.
        worker: who runs it or ran it.
        require: the labels it requires.
        parent: the id of the task that it is a part of, or empty.
    """

    id: str
    state: State
    proxy: str
    action: str
    object: str
    bucket: str
    submitted: float
    started: float | None
    ended: float | None
    worker: str
    require: tuple[str, ...]
    parent: str


class Claim:
    """The right of one worker to run one attempt of a task, until the record goes on without it.

    The thread that runs the task and the one that keeps its lease use it; `lock` guards `record`.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.lock = Lock()
        self.attempt: int = record.body["attempt"]

    @property
    def id(self) -> str:
        """The task's id."""
        return id_of(self.record)


class TaskRecords:
    """The durable tasks of one context."""

    def __init__(self, storage: StorageBackend, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self.now = clock

    # --- submitting

    def creation(self, spec: TaskSpec, envelope: bytes, publisher: str) -> Put:
        """The change that makes the record of a task; several can be made in one commit."""
        return Put(PREFIX + spec.id, lease.created(spec, envelope, publisher), None)

    def create(self, spec: TaskSpec, envelope: bytes, publisher: str) -> None:
        """Make the record of a task that `publisher` is about to submit.

        Raises:
            ConflictError: there is a task of this id.
        """
        self._storage.commit([self.creation(spec, envelope, publisher)])

    def create_family(
        self,
        parent: tuple[TaskSpec, bytes],
        children: Sequence[tuple[TaskSpec, bytes]],
        total: int,
        publisher: str,
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
        self._storage.commit([Put(made.key, body, None), *parts])

    def mark_published(self, task_ids: Collection[str], publisher: str) -> None:
        """Note who answers for the delivery of tasks that wait; those that have moved on are left alone."""
        for record in self._storage.get_records([PREFIX + task_id for task_id in task_ids]).values():
            if lease.waits(record.body) and record.body["publisher"] != publisher:
                self._try(record, lease.published(record.body, publisher))

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
            record = self._record(task_id)
            body, now = record.body, self.now()
            if not lease.waits(body) or (body["due"] is not None and body["due"] > now):
                return outcome_of(record) or Outcome(id=task_id, state=State(body["state"]), recorded=True)
            late = lease.diagnose(task_id, body, now, {body["publisher"]}).outcome or self._orphaned(task_id, body)
            if late is not None:
                return self.end(late)
            taken = self._try(record, lease.claimed(body, worker, now))
            if taken is not None:
                return Claim(taken)

    def renew(self, claim: Claim, progress: Mapping[str, Any] | None = None) -> bool:
        """Say that the worker of a claim lives, and how far it is; `False` when the task went on without it."""
        with claim.lock:
            return self._change(claim, lambda body: lease.alive(body, self.now(), progress), ())

    def holds(self, claim: Claim) -> bool:
        """Say whether a claim still counts; writes nothing."""
        record = self._storage.get_record(claim.record.key)
        return record is not None and _counts(record, claim)

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        """End a claimed task and make its changes, all in one commit; return the outcome as it is recorded.

        Raises:
            TaskLostError: the task went on without this claim; nothing was done.
            ConflictError: one of the changes did not fit; nothing was done.
        """
        while True:
            follows = self._parents_end(claim.record.body, outcome)
            try:
                with claim.lock:
                    self._commit_claimed(
                        claim, lambda body: lease.ended(body, outcome, self.now()), [*changes, *follows]
                    )
            except ConflictError as error:
                if not _is_about(error, follows):
                    raise
            else:
                self._dismiss_all(claim.record, follows)
                return outcome.model_copy(update={"recorded": True})

    def retry(self, claim: Claim, error: ErrorData, pause: float, changes: Sequence[Change] = ()) -> Outcome:
        """Have a claimed task, which raised an error, run again after so many seconds; errors as `finish`."""
        with claim.lock:
            self._commit_claimed(claim, lambda body: lease.failed(body, error, self.now() + pause), changes)
        return Outcome(id=claim.id, state=State.RETRY, error=error, recorded=True)

    def decline(self, claim: Claim, error: ErrorData, pause: float) -> Outcome:
        """Have a claimed task run by another worker, or end it when enough have declined; errors as `finish`."""
        body = claim.record.body
        if body["deaths"] + 1 >= body["deliveries"]:
            return self.finish(claim, Outcome(id=claim.id, state=State.FAILURE, error=error))
        with claim.lock:
            self._commit_claimed(claim, lambda body: lease.declined(body, error, self.now() + pause), ())
        return Outcome(id=claim.id, state=State.RETRY, error=error, recorded=True)

    def failures(self, claim: Claim) -> int:
        """How often the action of a claimed task has raised before this attempt."""
        return int(claim.record.body["failures"])

    # --- anybody's side

    def end(self, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        """End a task that nobody will run any more, unless it has ended; return the outcome that counts."""
        while True:
            record = self._record(outcome.id)
            found = outcome_of(record)
            if found is not None:
                return found
            if self._try_end(record, outcome, changes):
                return outcome.model_copy(update={"recorded": True})

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
            record = self._record(task_id)
            body = record.body
            if lease.has_ended(body):
                return False
            if body["deaths"] + 1 >= body["deliveries"]:
                reason = why.error.message if why.error else ""
                self.end(lease.used_up(task_id, body, reason))
                return False
            if self._try(record, lease.bereft(body, publisher, self.now())) is not None:
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
        diagnosis = lease.diagnose(task_id, body, self.now(), sessions, gone)
        if diagnosis.need is Need.END and diagnosis.outcome is not None:
            self._try_end(record, diagnosis.outcome)
            return False
        if diagnosis.need is Need.REPLACEMENT:
            return self._try(record, lease.bereft(body, publisher, self.now())) is not None
        return diagnosis.need is Need.DELIVERY and self._try(record, lease.published(body, publisher)) is not None

    def needy(
        self, sessions: Collection[str], gone: Callable[[str], bool] = lease.nobody_is
    ) -> Iterator[tuple[str, Diagnosis]]:
        """The open tasks that need something, and what; the arguments are those of `remedy`."""
        for state in OPEN:
            for record in self._storage.scan_records(PREFIX, {"state": state.value}, _WITHOUT_TEXT):
                task_id = id_of(record)
                diagnosis = lease.diagnose(task_id, record.body, self.now(), sessions, gone)
                if diagnosis.need is not Need.NOTHING:
                    yield task_id, diagnosis

    def record(self, task_id: str) -> Record:
        """The record of a task.

        Raises:
            TaskNotFoundError: there is none.
        """
        return self._record(task_id)

    def records(self, task_ids: Collection[str]) -> Mapping[str, Record]:
        """Those of several records that there are, by id."""
        found = self._storage.get_records([PREFIX + task_id for task_id in task_ids])
        return {key.removeprefix(PREFIX): record for key, record in found.items()}

    def state(self, task_id: str) -> State:
        """Where a task is: what its record says, save that one whose worker is gone waits to be run again.

        One that is over, because it took too long or no worker is left to it, is ended by this: who was told an end
        is never told another one.
        """
        while True:
            record = self._record(task_id)
            state, over = self._truth(task_id, record.body)
            if over is None or self._try_end(record, over):
                return state

    def _truth(self, task_id: str, body: Body) -> tuple[State, Outcome | None]:
        """Where a task is; and how it ends where it is over and its record does not say so yet."""
        found = lease.diagnose(task_id, body, self.now(), {body["publisher"]})
        if found.outcome is not None:
            return found.outcome.state, found.outcome
        return State.RETRY if found.need is Need.REPLACEMENT else State(body["state"]), None

    def outcome(self, task_id: str) -> Outcome | None:
        """The outcome of a task that has ended, or `None`."""
        return outcome_of(self._record(task_id))

    def envelope(self, task_id: str) -> bytes:
        """The signed envelope that was submitted."""
        return envelope_of(self._record(task_id))

    def find(self, state: State | None = None) -> Iterator[TaskInfo]:
        """The tasks, or those in one state, in any order."""
        for where in [None] if state is None else [{"state": one.value} for one in {state, *OPEN}]:
            for record in self._storage.scan_records(PREFIX, where, (*SHOWN, *_WITHOUT_TEXT)):
                task_id = id_of(record)
                now, over = self._truth(task_id, record.body)
                if over is not None:
                    now = self.state(task_id)
                if state is None or now is state:
                    fields: dict[str, Any] = {name: record.body[name] for name in SHOWN}
                    yield TaskInfo(task_id, **{**fields, "state": now, "require": tuple(fields["require"])})

    def forget(self, before: float, first: Callable[[str], object] = str) -> list[str]:
        """Remove the records of tasks that ended before a time; return their ids.

        Args:
            before: seconds since the epoch.
            first: called with the id of each before its record goes, to remove what else there is of it.
        """
        gone = []
        found = list(self._storage.scan_records(PREFIX, None, ("state", "ended", "parent")))
        still = {id_of(record) for record in found if record.body["ended"] is None}
        for record in found:
            ended = record.body["ended"]
            if ended is not None and ended < before and record.body["parent"] not in still:
                first(id_of(record))
                try:
                    self._storage.commit([Delete(record.key, record.revision)])
                except ConflictError:
                    continue
                gone.append(id_of(record))
        return gone

    # --- tasks that do one together

    def advance(self, parent: Record, child: str, rows: int) -> Put:
        """The change of a parent, as it was read, that says that a child of so many rows has ended well."""
        return Put(parent.key, family.advanced(parent.body, child, rows), parent.revision)

    def ending(self, parent: Record, outcome: Outcome) -> Put:
        """The change that ends a parent, as it was read."""
        return Put(parent.key, lease.ended(parent.body, outcome, self.now()), parent.revision)

    def _orphaned(self, task_id: str, body: Body) -> Outcome | None:
        """The end of a child whose parent has ended."""
        parent = self._open_parent(body) if body["parent"] else None
        return family.dismissed(task_id, body["parent"]) if body["parent"] and parent is None else None

    def _open_parent(self, body: Body) -> Record | None:
        record = self._storage.get_record(PREFIX + body["parent"])
        return None if record is None or lease.has_ended(record.body) else record

    def _parents_end(self, body: Body, outcome: Outcome) -> list[Put]:
        """The end of the parent of a child that ends with this outcome, if it ends the parent."""
        if not body["parent"] or outcome.state is State.SUCCESS:
            return []
        parent = self._open_parent(body)
        return [] if parent is None else [self.ending(parent, family.passed_on(body["parent"], outcome))]

    def _try_end(self, record: Record, outcome: Outcome, changes: Sequence[Change] = ()) -> bool:
        """End a task and what ends with it; `False` if a record had moved."""
        follows = self._parents_end(record.body, outcome)
        try:
            ended = self._try(record, lease.ended(record.body, outcome, self.now()), [*changes, *follows])
        except ConflictError as error:
            if _is_about(error, follows):
                return False
            raise
        if ended is not None:
            self._dismiss_all(record, follows)
        return ended is not None

    def _dismiss_all(self, record: Record, follows: Sequence[Put]) -> None:
        """End the children of what was ended, this record and its parent."""
        for key, body in ((record.key, record.body), *((put.key, put.body) for put in follows)):
            for child in family.children_of(body):
                if child not in body[family.DONE] and PREFIX + child != record.key:
                    self._dismiss(child, key.removeprefix(PREFIX))

    def _dismiss(self, child: str, parent: str) -> None:
        with suppress(TaskNotFoundError):
            self.end(family.dismissed(child, parent))

    # --- compare and set

    def _record(self, task_id: str) -> Record:
        known = isinstance(task_id, str) and _ID.fullmatch(task_id)
        record = self._storage.get_record(PREFIX + task_id) if known else None
        if record is None:
            shown = repr(task_id) if known else one_line(reprlib.repr(task_id))
            message = (
                f"there is no task {shown} in this context; light tasks (such as predict) "
                f"are known only to the process that submitted them, unless submitted with .durable()"
            )
            raise TaskNotFoundError(message, str(task_id))
        return record

    def _try(self, record: Record, body: Body, changes: Sequence[Change] = ()) -> Record | None:
        """The record as it is after a change that fitted; `None` if it had moved."""
        try:
            revisions = self._storage.commit([*changes, Put(record.key, body, record.revision)])
        except ConflictError as error:
            if error.key != record.key:
                raise
            return None
        return Record(record.key, body, revisions[record.key])

    def _change(self, claim: Claim, change: Callable[[Body], Body], changes: Sequence[Change]) -> bool:
        """Change a claimed record, also when others noted something in it meanwhile; `False` if it went on."""
        record = claim.record
        while _counts(record, claim):
            changed = self._try(record, change(record.body), changes)
            if changed is not None:
                claim.record = changed
                return True
            record = self._record(claim.id)
        return False

    def _commit_claimed(self, claim: Claim, change: Callable[[Body], Body], changes: Sequence[Change]) -> None:
        if not self._change(claim, change, changes):
            worker = claim.record.body["worker"]
            message = f"task {claim.id} was ended, or given to another worker, while worker {worker} ran it"
            raise TaskLostError(message, claim.id)


def id_of(record: Record) -> str:
    """The id of the task that a record is about."""
    return record.key.removeprefix(PREFIX)


def outcome_of(record: Record) -> Outcome | None:
    """The outcome that a record holds, if it holds one."""
    outcome = record.body["outcome"]
    return None if outcome is None else Outcome.model_validate(outcome)


def envelope_of(record: Record) -> bytes:
    """The signed envelope that a record holds."""
    envelope: str = record.body["envelope"]
    return envelope.encode("ascii")


def _is_about(error: ConflictError, changes: Sequence[Put]) -> bool:
    """Whether it was one of these changes that did not fit."""
    return error.key in {change.key for change in changes}


def _counts(record: Record, claim: Claim) -> bool:
    """Whether a claim is the current attempt."""
    return bool(record.body["state"] == State.STARTED and record.body["attempt"] == claim.attempt)

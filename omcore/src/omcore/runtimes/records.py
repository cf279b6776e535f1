"""The records of durable tasks: the truth about them, in the context's storage.

A record is made before the task is handed to an engine, claimed by the worker that runs it, and ended once, by
compare-and-set, in the same commit as whatever the task stored. So a task whose message arrives twice runs once, and
half an effect is never seen.
"""

from __future__ import annotations

import re
import reprlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, TaskNotFoundError
from omcore.runtimes.task import ID_PATTERN, Outcome, State, TaskSpec, staged
from omcore.sentences import one_line
from omcore.storage.backend import REFERENCES_FIELD, Put

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omcore.storage.backend import Body, Change, Record, StorageBackend

PREFIX = "tasks/"
_ID = re.compile(ID_PATTERN)
SHOWN = ("state", "proxy", "action", "object", "bucket", "submitted", "started", "ended", "worker", "require")


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


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to run one task, until its record moves."""

    record: Record


class TaskRecords:
    """The durable tasks of one context."""

    def __init__(self, storage: StorageBackend) -> None:
        self._storage = storage

    def create(self, spec: TaskSpec, envelope: bytes) -> None:
        """Make the record of a task that is about to be submitted."""
        body: Body = {
            "schema_version": 1,
            "state": State.PENDING.value,
            "attempt": 0,
            "proxy": spec.proxy,
            "action": spec.action,
            "object": str(spec.object),
            "bucket": spec.bucket,
            "require": list(spec.require),
            "submitted": spec.submitted,
            "started": None,
            "ended": None,
            "worker": "",
            "envelope": envelope.decode("ascii"),
            "outcome": None,
            REFERENCES_FIELD: staged(*spec.arguments.values()),
        }
        self._storage.put_record(PREFIX + spec.id, body, None)

    def claim(self, task_id: str, worker: str) -> Claim | Outcome | None:
        """Take a task that waits; the outcome of one that has ended; `None` for one that another worker runs.

        Raises:
            TaskNotFoundError: there is no such record.
        """
        record = self._record(task_id)
        while record.body["state"] in {State.PENDING, State.RETRY}:
            body = {**record.body, "state": State.STARTED.value, "started": time.time(), "worker": worker}
            body["attempt"] = record.body["attempt"] + 1
            try:
                revision = self._storage.put_record(record.key, body, record.revision)
            except ConflictError:
                record = self._record(task_id)
            else:
                return Claim(type(record)(record.key, body, revision))
        return _outcome(record)

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> None:
        """End a claimed task and make its changes, all in one commit.

        Raises:
            ConflictError: the record moved (the claim is lost), or one of the changes did not fit; nothing was done.
        """
        self._storage.commit([*changes, _ended(claim.record, outcome)])

    def end(self, outcome: Outcome) -> Outcome:
        """End a task that nobody will run any more, unless it has ended; return the outcome that counts."""
        while True:
            record = self._record(outcome.id)
            found = _outcome(record)
            if found is not None:
                return found
            try:
                self._storage.commit([_ended(record, outcome)])
            except ConflictError:
                continue
            return outcome

    def state(self, task_id: str) -> State:
        """The state that the record says."""
        return State(self._record(task_id).body["state"])

    def outcome(self, task_id: str) -> Outcome | None:
        """The outcome of a task that has ended, or `None`."""
        return _outcome(self._record(task_id))

    def envelope(self, task_id: str) -> bytes:
        """The signed envelope that was submitted."""
        envelope: str = self._record(task_id).body["envelope"]
        return envelope.encode("ascii")

    def find(self, state: State | None = None) -> Iterator[TaskInfo]:
        """The tasks, or those in one state, in any order."""
        where = None if state is None else {"state": state.value}
        for record in self._storage.scan_records(PREFIX, where, SHOWN):
            fields: dict[str, Any] = {**record.body, "state": State(record.body["state"])}
            yield TaskInfo(record.key.removeprefix(PREFIX), **{**fields, "require": tuple(fields["require"])})

    def _record(self, task_id: str) -> Record:
        known = isinstance(task_id, str) and _ID.fullmatch(task_id)
        record = self._storage.get_record(PREFIX + task_id) if known else None
        if record is None:
            message = (
                f"there is no task {one_line(reprlib.repr(task_id))} in this context; light tasks (such as predict) "
                f"are known only to the process that submitted them, unless submitted with .durable()"
            )
            raise TaskNotFoundError(message, str(task_id))
        return record


def _outcome(record: Record) -> Outcome | None:
    outcome = record.body["outcome"]
    return None if outcome is None else Outcome.model_validate(outcome)


def _ended(record: Record, outcome: Outcome) -> Put:
    body = {**record.body, "state": outcome.state.value, "ended": time.time(), "outcome": outcome.model_dump()}
    body[REFERENCES_FIELD] = staged(outcome.value)
    return Put(record.key, body, record.revision)

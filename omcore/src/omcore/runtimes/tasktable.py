"""The table of durable tasks in the context's storage: read by id, and changed by compare-and-set."""

from __future__ import annotations

import re
import reprlib
from typing import TYPE_CHECKING

from omcore.errors import ConflictError, TaskNotFoundError
from omcore.runtimes.task import ID_PATTERN, Outcome, State
from omcore.sentences import one_line
from omcore.storage.backend import Put, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from omcore.storage.backend import Body, Change, StorageBackend

PREFIX = "tasks/"
OPEN = (State.PENDING, State.STARTED, State.RETRY)
"""The states of tasks that have not ended."""

WITHOUT_TEXT = (
    *("state", "attempt", "deaths", "deliveries", "submitted", "waiting", "start_timeout", "deadline", "timeout"),
    *("publisher", "due", "started", "leased", "worker", "error"),
)
"""The fields that say what a record needs; none of them is long."""

_ID = re.compile(ID_PATTERN)


class TaskTable:
    """The records of one context's tasks.

    Attributes:
        storage: where they are.
        now: seconds since the epoch.
    """

    def __init__(self, storage: StorageBackend, clock: Callable[[], float]) -> None:
        self.storage = storage
        self.now = clock

    def get(self, task_id: str) -> Record:
        """The record of a task.

        Raises:
            TaskNotFoundError: there is none.
        """
        known = isinstance(task_id, str) and _ID.fullmatch(task_id)
        record = self.storage.get_record(PREFIX + task_id) if known else None
        if record is None:
            shown = repr(task_id) if known else one_line(reprlib.repr(task_id))
            message = (
                f"there is no task {shown} in this context; light tasks (such as predict) "
                f"are known only to the process that submitted them, unless submitted with .durable()"
            )
            raise TaskNotFoundError(message, str(task_id))
        return record

    def several(self, task_ids: Collection[str]) -> Mapping[str, Record]:
        """Those of several records that there are, by id."""
        found = self.storage.get_records([PREFIX + task_id for task_id in task_ids])
        return {id_of(record): record for record in found.values()}

    def scan(self, state: State | None, fields: Collection[str]) -> Iterator[Record]:
        """These fields of all records, or of those that say so of their state, in any order."""
        where = None if state is None else {"state": state.value}
        return self.storage.scan_records(PREFIX, where, fields)

    def swap(self, record: Record, body: Body, changes: Sequence[Change] = ()) -> Record | None:
        """The record as it is after a change that fitted; `None` if it had moved.

        Args:
            record: as it was read.
            body: what it is to be.
            changes: what is changed with it, in the same commit.

        Raises:
            ConflictError: another change did not fit; nothing was done.
        """
        try:
            revisions = self.storage.commit([*changes, Put(record.key, body, record.revision)])
        except ConflictError as error:
            if error.key != record.key:
                raise
            return None
        return Record(record.key, body, revisions[record.key])


def key_of(task_id: str) -> str:
    """The key of a task's record."""
    return PREFIX + task_id


def id_of(record: Record | Put) -> str:
    """The id of the task that a record, or the change of one, is about."""
    return record.key.removeprefix(PREFIX)


def outcome_of(record: Record) -> Outcome | None:
    """The outcome that a record holds, if it holds one."""
    outcome = record.body["outcome"]
    return None if outcome is None else Outcome.model_validate(outcome)


def envelope_of(record: Record) -> bytes:
    """The signed envelope that a record holds."""
    envelope: str = record.body["envelope"]
    return envelope.encode("ascii")

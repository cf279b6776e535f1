"""What tasks there are: a line about each, and those that ended long ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError
from omcore.runtimes import lease
from omcore.runtimes.tasktable import OPEN, WITHOUT_TEXT, id_of, key_of
from omcore.storage.backend import Delete

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from omcore.runtimes.lease import Diagnosis
    from omcore.runtimes.task import State
    from omcore.runtimes.tasktable import TaskTable

SHOWN = ("state", "proxy", "action", "object", "bucket", "submitted", "started", "ended", "worker", "require", "parent")


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


def find(table: TaskTable, state_of: Callable[[str], State], state: State | None = None) -> Iterator[TaskInfo]:
    """The tasks, or those in one state, in any order.

    Args:
        table: where they are.
        state_of: where a task is; ends it where it is over.
        state: only those in this state.
    """
    for recorded in [None] if state is None else sorted({state, *OPEN}):
        for record in table.scan(recorded, (*SHOWN, *WITHOUT_TEXT)):
            task_id = id_of(record)
            now, over = lease.truth(task_id, record.body, table.now())
            if over is not None:
                now = state_of(task_id)
            if state is None or now is state:
                fields: dict[str, Any] = {name: record.body[name] for name in SHOWN}
                yield TaskInfo(task_id, **{**fields, "state": now, "require": tuple(fields["require"])})


def needy(table: TaskTable, sessions: Collection[str], gone: Callable[[str], bool]) -> Iterator[tuple[str, Diagnosis]]:
    """The open tasks that need something, and what; the arguments are those of `lease.diagnose`."""
    for state in OPEN:
        for record in table.scan(state, WITHOUT_TEXT):
            task_id = id_of(record)
            diagnosis = lease.diagnose(task_id, record.body, table.now(), sessions, gone)
            if diagnosis.need is not lease.Need.NOTHING:
                yield task_id, diagnosis


def ended_before(table: TaskTable, moment: float) -> dict[str, str]:
    """The tasks that ended before a time, and do no other task together with those that have not.

    Args:
        table: where they are.
        moment: seconds since the epoch.

    Returns:
        By id, the revision of each record, as `forget` takes it.
    """
    found = list(table.scan(None, ("state", "ended", "parent")))
    still = {id_of(record) for record in found if record.body["ended"] is None}
    return {
        id_of(record): record.revision
        for record in found
        if record.body["ended"] is not None and record.body["ended"] < moment and record.body["parent"] not in still
    }


def forget(table: TaskTable, revisions: Mapping[str, str]) -> list[str]:
    """Remove these records, unless they have changed; return the ids of those that are gone by this."""
    gone = []
    for task_id, revision in revisions.items():
        try:
            table.storage.commit([Delete(key_of(task_id), revision)])
        except ConflictError:
            continue
        gone.append(task_id)
    return gone

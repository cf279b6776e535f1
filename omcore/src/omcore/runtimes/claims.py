"""Claims: the right of one worker to run one attempt of a task, until the record goes on without it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from omcore.errors import TaskLostError
from omcore.runtimes.task import State
from omcore.runtimes.tasktable import id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omcore.runtimes.tasktable import TaskTable
    from omcore.storage.backend import Body, Change, Record


class Claim:
    """One attempt, as its worker knows it.

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


def is_current(record: Record, claim: Claim) -> bool:
    """Whether a claim is the current attempt, as a record says."""
    return bool(record.body["state"] == State.STARTED and record.body["attempt"] == claim.attempt)


def change(table: TaskTable, claim: Claim, to: Callable[[Body], Body], changes: Sequence[Change] = ()) -> bool:
    """Change a claimed record, also when others noted something in it meanwhile; `False` if it went on without it.

    Args:
        table: where it is.
        claim: the claim.
        to: what the body is to be.
        changes: what is changed with it, in the same commit.

    Raises:
        ConflictError: another change did not fit; nothing was done.
    """
    with claim.lock:
        record = claim.record
        while is_current(record, claim):
            changed = table.swap(record, to(record.body), changes)
            if changed is not None:
                claim.record = changed
                return True
            record = table.get(claim.id)
    return False


def commit(table: TaskTable, claim: Claim, to: Callable[[Body], Body], changes: Sequence[Change] = ()) -> None:
    """Change a claimed record, as `change` does.

    Raises:
        TaskLostError: the task went on without this claim; nothing was done.
        ConflictError: another change did not fit; nothing was done.
    """
    if not change(table, claim, to, changes):
        worker = claim.record.body["worker"]
        message = f"task {claim.id} was ended, or given to another worker, while worker {worker} ran it"
        raise TaskLostError(message, claim.id)

"""The end of tasks: what belongs together ends together, whoever ends it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from omcore.errors import ConflictError, TaskNotFoundError
from omcore.runtimes import claims, family, lease
from omcore.runtimes.task import State
from omcore.runtimes.tasktable import id_of, key_of, outcome_of
from omcore.storage.backend import Put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.claims import Claim
    from omcore.runtimes.task import Outcome
    from omcore.runtimes.tasktable import TaskTable
    from omcore.storage.backend import Body, Change, Record


class Endings:
    """Ends tasks, each once: with a child that ends without success its parent, and with a parent its children."""

    def __init__(self, table: TaskTable) -> None:
        self._table = table

    def end(self, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        """End a task, unless it has ended; return the outcome that counts, as it is recorded."""
        while True:
            record = self._table.get(outcome.id)
            found = outcome_of(record)
            if found is not None:
                return found
            if self.try_end(record, outcome, changes):
                return outcome.model_copy(update={"recorded": True})

    def try_end(self, record: Record, outcome: Outcome, changes: Sequence[Change] = ()) -> bool:
        """End a task as it was read; `False` if a record had moved."""
        follows = self._parents_end(record.body, outcome)
        try:
            ended = self._table.swap(record, self._ended(record, outcome), [*changes, *follows])
        except ConflictError as error:
            if _is_about(error, follows):
                return False
            raise
        if ended is not None:
            self._dismiss_all(record, follows)
        return ended is not None

    def finish(self, claim: Claim, outcome: Outcome, changes: Sequence[Change] = ()) -> Outcome:
        """End a claimed task and make its changes, all in one commit; return the outcome as it is recorded.

        Raises:
            TaskLostError: the task went on without this claim; nothing was done.
            ConflictError: one of the changes did not fit; nothing was done.
        """
        while True:
            follows = self._parents_end(claim.record.body, outcome)
            try:
                claims.commit(
                    self._table,
                    claim,
                    lambda body: lease.ended(body, outcome, self._table.now()),
                    [*changes, *follows],
                )
            except ConflictError as error:
                if not _is_about(error, follows):
                    raise
            else:
                self._dismiss_all(claim.record, follows)
                return outcome.model_copy(update={"recorded": True})

    def ending(self, record: Record, outcome: Outcome) -> Put:
        """The change that ends a task as it was read, and nothing else."""
        return Put(record.key, self._ended(record, outcome), record.revision)

    def orphaned(self, task_id: str, body: Body) -> Outcome | None:
        """The end of a child whose parent has ended."""
        alone = body["parent"] and self._open_parent(body) is None
        return family.dismissed(task_id, body["parent"]) if alone else None

    def _ended(self, record: Record, outcome: Outcome) -> Body:
        return lease.ended(record.body, outcome, self._table.now())

    def _open_parent(self, body: Body) -> Record | None:
        record = self._table.storage.get_record(key_of(body["parent"]))
        return None if record is None or lease.has_ended(record.body) else record

    def _parents_end(self, body: Body, outcome: Outcome) -> list[Put]:
        """The end of the parent of a child that ends with this outcome, if it ends the parent."""
        if not body["parent"] or outcome.state is State.SUCCESS:
            return []
        parent = self._open_parent(body)
        return [] if parent is None else [self.ending(parent, family.passed_on(body["parent"], outcome))]

    def _dismiss_all(self, record: Record, follows: Sequence[Put]) -> None:
        """End the children of what was ended, this record and its parent."""
        over: list[Record | Put] = [record, *follows]
        for ended in over:
            for child in family.children_of(ended.body):
                if child not in ended.body[family.DONE] and child != id_of(record):
                    self._dismiss(child, id_of(ended))

    def _dismiss(self, child: str, parent: str) -> None:
        with suppress(TaskNotFoundError):
            self.end(family.dismissed(child, parent))


def _is_about(error: ConflictError, changes: Sequence[Put]) -> bool:
    """Whether it was one of these changes that did not fit."""
    return error.key in {change.key for change in changes}

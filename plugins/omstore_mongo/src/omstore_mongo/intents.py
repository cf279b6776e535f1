"""Several records changed together on a server without transactions.

A commit is a document of its own; only one field of it changes, and that moment is the commit:

1. the commit is noted as `open`;
2. each record that it changes is given, by compare-and-set, a field `next`: the commit's id and the record's new state;
3. the commit is noted as `done`: from here on every reader takes `next` for the record;
4. each record becomes its `next`, and its writer removes the note.

Whoever dies before 3 has changed nothing, and whoever dies after it has changed everything; what is left lying about is
cleared by the next writer who meets it. A commit that stays open for longer than `PATIENCE` is noted as `undone` by
whoever waits for it, and cannot become `done` any more. A `next` whose commit has no note belongs to one that was
undone: the note of one that is done goes only when no record has its `next`, and nobody but its writer removes it
before `sweep` does. So a writer who got no answer finds out what became of his commit.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import DeleteOne, UpdateOne
from pymongo.errors import OperationFailure, PyMongoError

from omstore_mongo import rows
from omstore_mongo.errors import is_duplicate, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pymongo.collection import Collection

    from omcore.storage.backend import Change
    from omstore_mongo.connection import Connection, Document

PATIENCE = 5.0
"""Seconds, by the server's clock, after which a commit that is still open is undone by who waits for it."""

OPEN, DONE, UNDONE = "open", "done", "undone"


class Intents:
    """The changes of one collection that are being made, and those that somebody left half made."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    @property
    def _records(self) -> Collection[Document]:
        return self._connection.collection(self._name)

    @property
    def _commits(self) -> Collection[Document]:
        return self._connection.collection(f"{self._name}.commits")

    # --- reading

    def settle(self, row: Document) -> Document | None:
        """A record as it is now, given what was read of it; `None` if there is no such record."""
        while "next" in row:
            state = self._state(_commit_of(row))
            if state is not None:
                return _settled(row, done=state == DONE)
            again = self._records.find_one({"_id": row["_id"]})
            if again is None:
                return None
            if again.get("next") == row["next"]:
                return _settled(row, done=False)
            row = again
        return row

    def _state(self, commit: ObjectId) -> str | None:
        note = self._commits.find_one({"_id": commit}, {"state": 1})
        return None if note is None else str(note["state"])

    # --- writing

    def attempt(self, changes: Sequence[Change], new: Mapping[str, Document]) -> bool:
        """Try once to make all the changes, or none; say whether they were made."""
        commit = ObjectId()
        keys = [change.key for change in changes]
        note = {"$set": {"state": OPEN, "keys": keys}, "$currentDate": {"begun": True}}
        try:
            self._commits.update_one({"_id": commit}, note, upsert=True)
            decided = DONE if self._announce(commit, changes, new) else UNDONE
            decision = self._commits.update_one({"_id": commit, "state": OPEN}, {"$set": {"state": decided}})
            done = decided == DONE and bool(decision.matched_count)
            self._finish(commit, keys)
        except PyMongoError as error:
            if not unreachable(error):
                with suppress(PyMongoError):  # else who meets it clears it
                    self._find_out(commit, keys)
                raise
            done = self._connection.repeated(lambda: self._find_out(commit, keys))
        self._forget(commit)
        return done

    def _find_out(self, commit: ObjectId, keys: Sequence[str]) -> bool:
        """Whether one's own commit is done, after the server did not answer; if it is not yet, it never will be."""
        self._commits.update_one({"_id": commit, "state": OPEN}, {"$set": {"state": UNDONE}})
        done = self._state(commit) == DONE
        self._finish(commit, keys)
        return done

    def _forget(self, commit: ObjectId) -> None:
        with suppress(PyMongoError):  # else `sweep` does
            self._commits.delete_one({"_id": commit})

    def _announce(self, commit: ObjectId, changes: Sequence[Change], new: Mapping[str, Document]) -> bool:
        operations = [
            UpdateOne(
                rows.unchanged(change),
                {"$set": {"next": {"commit": commit, "row": new.get(change.key)}}},
                upsert=change.expected is None,
            )
            for change in changes
        ]
        try:
            done = self._records.bulk_write(operations, ordered=False)
        except OperationFailure as error:
            if is_duplicate(error):
                return False
            raise
        return done.matched_count + done.upserted_count == len(changes)

    # --- clearing

    def clear(self, found: Iterable[Document]) -> Mapping[str, str]:
        """Finish what is decided and undo what takes too long, among these records; return their revisions."""
        revisions: dict[str, str] = {}
        for row in found:
            if "next" in row:
                self._clear(row)
            settled = self.settle(row)
            if settled is not None:
                revisions[row["_id"]] = settled["revision"]
        return revisions

    def _clear(self, row: Document) -> None:
        commit = _commit_of(row)
        late: Any = {"$lt": ["$begun", {"$subtract": ["$$NOW", int(PATIENCE * 1000)]}]}
        self._commits.update_one({"_id": commit, "state": OPEN, "$expr": late}, {"$set": {"state": UNDONE}})
        note = self._commits.find_one({"_id": commit})
        if note is None:
            self._withdraw(commit, [row["_id"]])
        elif note["state"] != OPEN:
            self._finish(commit, note["keys"])

    def sweep(self, older_than: datetime) -> None:
        """Clear what writers have left that have died before that time, and the notes that were kept for them."""
        for note in self._commits.find({"begun": {"$lt": older_than}}):
            self._find_out(note["_id"], note["keys"])
            self._commits.delete_one({"_id": note["_id"]})

    def _finish(self, commit: ObjectId, keys: Sequence[str]) -> None:
        """Let the records of a commit become what its state says."""
        if self._state(commit) == DONE:
            self._adopt(commit, keys)
        else:
            self._withdraw(commit, keys)

    def _adopt(self, commit: ObjectId, keys: Sequence[str]) -> None:
        announced = self._records.find({"_id": {"$in": list(keys)}, "next.commit": commit})
        operations = [_adoption(row) for row in announced]
        if operations:
            self._records.bulk_write(operations, ordered=False)

    def _withdraw(self, commit: ObjectId, keys: Sequence[str]) -> None:
        ours = {"_id": {"$in": list(keys)}, "next.commit": commit}
        self._records.delete_many({**ours, "revision": {"$exists": False}})
        self._records.update_many(ours, {"$unset": {"next": True}})


def _commit_of(row: Document) -> ObjectId:
    """The commit that is about to change a record.

    Raises:
        CorruptRecordError: what there is of it cannot be read.
    """
    following = row["next"]
    commit = following.get("commit") if isinstance(following, dict) and "row" in following else None
    if isinstance(commit, ObjectId):
        return commit
    raise rows.damaged(row["_id"])


def _settled(row: Document, *, done: bool) -> Document | None:
    if done:
        row_then = row["next"]["row"]
        return None if row_then is None else {"_id": row["_id"], **row_then}
    return row if "revision" in row else None


def _adoption(row: Document) -> UpdateOne | DeleteOne:
    ours = {"_id": row["_id"], "next.commit": row["next"]["commit"]}
    if row["next"]["row"] is None:
        return DeleteOne(ours)
    return UpdateOne(ours, {**rows.updated(row["next"]["row"]), "$unset": {"next": True}})

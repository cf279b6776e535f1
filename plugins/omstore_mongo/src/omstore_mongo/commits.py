"""Changes of records: all or none, made once however often the server has to be asked."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError, ServerSelectionTimeoutError
from pymongo.read_concern import ReadConcern

from omcore.errors import ConflictError, StorageUnavailableError
from omcore.storage.backend import Delete
from omstore_mongo import rows
from omstore_mongo.abandoned import end_abandoned
from omstore_mongo.connection import WRITE_CONCERN
from omstore_mongo.errors import is_duplicate, reason, unreachable
from omstore_mongo.intents import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

    from omcore.storage.backend import Change
    from omstore_mongo.connection import Connection, Document
    from omstore_mongo.intents import Intents

SNAPSHOT = ReadConcern("snapshot")

SHORTEST, LONGEST = 0.002, 0.1
"""Seconds between two tries; they grow, and chance keeps two writers apart."""

SOON = 1.0
"""Seconds of trying in vain, after which somebody who died may be in the way."""


class Commits:
    """Makes changes in one collection."""

    def __init__(self, connection: Connection, name: str, intents: Intents) -> None:
        self._connection = connection
        self._name = name
        self._intents = intents

    @property
    def _records(self) -> Collection[Document]:
        return self._connection.collection(self._name)

    def make(self, changes: Sequence[Change], new: Mapping[str, Document]) -> None:
        """Make all the changes, or none.

        A try that got no answer is repeated. The new revisions are the same in every try, so a repetition finds out
        that the change was made before: a record remembers its latest revisions.

        Args:
            changes: at least one.
            new: the state of every record that is put, by key.

        Raises:
            ConflictError: a record was not at its expected revision.
            StorageUnavailableError: the server did not answer in time, and whether the changes were made is unknown.
        """
        begun = time.monotonic()
        end, look_again = begun + self._connection.timeout, begun + SOON
        unanswered, pause = False, SHORTEST
        while True:
            try:
                if self._attempt(changes, new):
                    return
            except PyMongoError as error:
                unanswered = unanswered or not isinstance(error, ServerSelectionTimeoutError)
                self._go_on(error, end - pause, unanswered)
            try:
                if self._look(changes, new, unanswered):
                    return
                if time.monotonic() > look_again and self._connection.has_transactions:
                    end_abandoned(self._connection.database.client, PATIENCE)
                    look_again = time.monotonic() + SOON
            except PyMongoError as error:
                self._go_on(error, end - pause, unanswered)
            time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret, only to keep writers apart
            pause = min(2 * pause, LONGEST)

    def _go_on(self, error: PyMongoError, end: float, unanswered: bool) -> None:
        """Raise what cannot be helped by another try."""
        if unreachable(error) and not error.timeout and time.monotonic() < end:
            return
        if unreachable(error) and unanswered:
            raise StorageUnavailableError(self._unknown(reason(error))) from error
        raise error

    def _unknown(self, why: str) -> str:
        return (
            f"{self._connection.address} stopped answering while records were changed ({why}), and whether "
            f"the changes were made is not known; read the records and compare"
        )

    def _attempt(self, changes: Sequence[Change], new: Mapping[str, Document]) -> bool:
        """Try once; say whether the changes were made."""
        has_transactions = self._connection.has_transactions
        if len(changes) == 1 and (has_transactions or new):
            return self._change_one(changes[0], new)
        if has_transactions:
            return self._transact(changes, new)
        return self._intents.attempt(changes, new)  # also one delete: what is deleted remembers nothing

    def _look(self, changes: Sequence[Change], new: Mapping[str, Document], unanswered: bool) -> bool:
        """Whether an earlier try was successful after all; raises where no other can be."""
        now = {row["_id"]: row for row in self._records.find({"_id": {"$in": [change.key for change in changes]}})}
        found = self._intents.clear(now.values())
        if unanswered and any(row["revision"] in _recent(now, key) for key, row in new.items()):
            return True  # they stand or fall together, so one record tells
        try:
            _expect(changes, found)
        except ConflictError:
            if unanswered and not any(_is_other(change, now) for change in changes if change.key in new):
                raise StorageUnavailableError(self._unknown("another has changed them meanwhile")) from None
            raise
        return False

    # --- one record

    def _change_one(self, change: Change, new: Mapping[str, Document]) -> bool:
        query = rows.unchanged(change)
        if isinstance(change, Delete):
            return bool(self._records.delete_one(query).deleted_count)
        try:
            done = self._records.update_one(query, rows.updated(new[change.key]), upsert=change.expected is None)
        except DuplicateKeyError:
            return False
        return bool(done.matched_count or done.upserted_id is not None)

    # --- several, in a transaction

    def _transact(self, changes: Sequence[Change], new: Mapping[str, Document]) -> bool:
        with self._connection.database.client.start_session() as session:
            session.start_transaction(SNAPSHOT, WRITE_CONCERN)
            try:
                if not self._write(changes, new, session):
                    session.abort_transaction()
                    return False
                session.commit_transaction()
            except PyMongoError as error:
                duplicate = isinstance(error, OperationFailure) and is_duplicate(error)
                if duplicate or error.has_error_label("TransientTransactionError"):
                    return False
                raise
        return True

    def _write(self, changes: Sequence[Change], new: Mapping[str, Document], session: ClientSession) -> bool:
        operations = [_operation(change, new) for change in changes]
        done = self._records.bulk_write(operations, session=session)
        return done.matched_count + done.upserted_count + done.deleted_count == len(changes)


def _recent(found: Mapping[str, Document], key: str) -> Sequence[str]:
    recent: Sequence[str] = found.get(key, {}).get("recent", ())
    return recent


def _is_other(change: Change, found: Mapping[str, Document]) -> bool:
    """Whether a record remembers all since the revision that was expected."""
    recent = _recent(found, change.key)
    return change.expected in recent or (change.expected is None and 0 < len(recent) < rows.RECENT)


def _expect(changes: Sequence[Change], found: Mapping[str, str]) -> None:
    """Raise for the first record that is not at its expected revision."""
    for change in changes:
        revision = found.get(change.key)
        if revision != change.expected:
            raise ConflictError(change.key, change.expected, revision)


def _operation(change: Change, new: Mapping[str, Document]) -> UpdateOne | DeleteOne:
    if isinstance(change, Delete):
        return DeleteOne(rows.unchanged(change))
    return UpdateOne(rows.unchanged(change), rows.updated(new[change.key]), upsert=change.expected is None)

"""The records of one context: a collection of small documents, changed by compare-and-set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.storage.backend import Record
from omcore.storage.bodies import check_changes, check_key, check_limit, check_prefix, matches, project
from omstore_mongo import rows
from omstore_mongo.commits import Commits
from omstore_mongo.intents import Intents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pymongo.collection import Collection as MongoCollection

    from omcore.storage.backend import Change
    from omcore.storage.bodies import Scalar
    from omstore_mongo.connection import Connection, Document

BATCH = 100_000
"""Documents in one answer of the server, at most; it ends an answer at 16 MB by itself."""


class Records:
    """Reads and writes the records; see `StorageBackend` for what each method promises."""

    def __init__(self, connection: Connection, name: str) -> None:
        """Work on the collection of this name; the one beside it is for changes that are being made."""
        self._connection = connection
        self._name = name
        self._intents = Intents(connection, name)
        self._commits = Commits(connection, name, self._intents)

    @property
    def _collection(self) -> MongoCollection[Document]:
        return self._connection.collection(self._name)

    def get(self, key: str) -> Record | None:
        """See `StorageBackend.get_record`."""
        check_key(key)
        with self._connection.translated("read a record"):
            row = self._collection.find_one({"_id": key})
            settled = None if row is None else self._intents.settle(row)
        return None if settled is None else rows.to_record(settled)

    def get_many(self, keys: Collection[str]) -> Mapping[str, Record]:
        """See `StorageBackend.get_records`."""
        for key in keys:
            check_key(key)
        with self._connection.translated("read records"):
            found = self._collection.find({"_id": {"$in": list(keys)}}, batch_size=BATCH)
            settled = [row for row in map(self._intents.settle, found) if row is not None]
        return {record.key: record for record in map(rows.to_record, settled)}

    def find(
        self,
        prefix: str,
        where: Mapping[str, Scalar],
        after: str | None,
        limit: int,
        fields: Collection[str] | None,
    ) -> Sequence[Record]:
        """See `StorageBackend.find_records`."""
        check_limit(limit)
        page: list[Record] = []
        rest = limit
        while rest:  # what is about to be deleted is left out here, so that a page may be short of its length
            read = [*self._rows(prefix, where, after, rest, fields)]
            page += self._records(read, where, fields)
            if len(read) < rest:
                break
            rest, after = limit - len(page), read[-1]["_id"]
        return page

    def scan(self, prefix: str, where: Mapping[str, Scalar], fields: Collection[str] | None) -> Iterator[Record]:
        """See `StorageBackend.scan_records`; one question of the server, however many there are."""
        return self._records(self._rows(prefix, where, None, 0, fields), where, fields)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """See `StorageBackend.commit`."""
        check_changes(changes)
        new = rows.rows_of(changes)
        if changes:
            with self._connection.in_time(), self._connection.translated("commit changes"):
                self._commits.make(changes, new)
        return {key: row["revision"] for key, row in new.items()}

    def sweep(self, older_than: datetime) -> None:
        """Clear what changes have left that never ended."""
        with self._connection.translated("clear unfinished changes"):
            self._intents.sweep(older_than)

    def _rows(
        self,
        prefix: str,
        where: Mapping[str, Scalar],
        after: str | None,
        limit: int,
        fields: Collection[str] | None,
    ) -> Iterator[Document]:
        """The documents that may fit, in order."""
        check_prefix(prefix)
        check_prefix(after or "")
        wanted = rows.having(where)
        if wanted is None:
            return
        query = rows.within(prefix, after)
        if wanted:  # what is about to change may come to fit, or cease to: it is looked at here
            query["$or"] = [wanted, {"next": {"$exists": True}}]
        shown = None if fields is None else rows.showing(fields)
        with self._connection.translated("list records"):
            yield from self._collection.find(query, shown, sort=[("_id", 1)], limit=limit, batch_size=limit or BATCH)

    def _records(
        self, found: Iterable[Document], where: Mapping[str, Scalar], fields: Collection[str] | None
    ) -> Iterator[Record]:
        read = rows.to_record if fields is None else rows.to_listed
        for row in found:
            if "next" not in row:
                yield read(row)
            elif (record := self._fitting(row, where, fields)) is not None:
                yield record

    def _fitting(self, row: Document, where: Mapping[str, Scalar], fields: Collection[str] | None) -> Record | None:
        """A record that is about to change, if it fits as it is now."""
        record = self.get(row["_id"])
        if record is None or not matches(record.body, where):
            return None
        return Record(record.key, project(record.body, fields), record.revision)

"""The records of an embedded storage: one SQLite table, every row with a checksum of its own."""

from __future__ import annotations

import json
import secrets
from itertools import islice
from typing import TYPE_CHECKING

from blake3 import blake3

from omcore.errors import ConflictError, CorruptRecordError
from omcore.storage.backend import Put, Record
from omcore.storage.bodies import check_changes, check_key, check_limit, check_prefix, encode_body, matches, project

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from omcore.storage.backend import Change
    from omcore.storage.bodies import Scalar
    from omcore.storage.sqlite import Database

TABLES = (
    "CREATE TABLE record (key TEXT PRIMARY KEY, revision TEXT NOT NULL, body TEXT NOT NULL, checksum BLOB NOT NULL)",
    "CREATE TABLE identity (value TEXT NOT NULL)",
    "INSERT INTO identity VALUES (lower(hex(randomblob(16))))",
)

_SELECT = "SELECT key, revision, body, checksum FROM record"
_GET = f"{_SELECT} WHERE key = ?"
_GET_MANY = f"{_SELECT} WHERE key IN (SELECT value FROM json_each(?))"  # noqa: S608 -- made of constants
_PUT = "INSERT OR REPLACE INTO record (key, revision, body, checksum) VALUES (?, ?, ?, ?)"

_EXACT = 1 << 53
"""Integers up to here mean the same to SQLite as to us, also where a float is their equal."""


class RecordTable:
    """Reads and writes the records; see `StorageBackend` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def identity(self) -> str:
        """The random id that was made with the tables."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT value FROM identity").fetchone()
        if row is None:
            raise CorruptRecordError("the storage has lost its identity; restore it from a copy")
        return str(row[0], "ascii")

    def get(self, key: str) -> Record | None:
        """See `StorageBackend.get_record`."""
        check_key(key)
        with self._database.connection() as connection:
            row = connection.execute(_GET, (key,)).fetchone()
        return None if row is None else _record(row)

    def get_many(self, keys: Collection[str]) -> Mapping[str, Record]:
        """See `StorageBackend.get_records`."""
        for key in keys:
            check_key(key)
        with self._database.connection() as connection:
            rows = connection.execute(_GET_MANY, (json.dumps(list(keys)),)).fetchall()
        return {record.key: record for record in map(_record, rows)}

    def find(
        self,
        prefix: str,
        where: Mapping[str, Scalar],
        after: str | None,
        limit: int,
        fields: Collection[str] | None,
    ) -> Sequence[Record]:
        """See `StorageBackend.find_records`.

        SQLite leaves out most of what `where` leaves out; the rest is compared here, by the rules of all backends.
        """
        check_limit(limit)
        conditions, values = _range(prefix, after)
        for name, wanted in where.items():
            if _sql_compares(name, wanted):
                conditions.append("(NOT json_valid(body) OR json_extract(body, ?) IS ?)")
                values += [f"$.{name}", wanted]
        query = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY key"
        with self._database.connection() as connection:
            cursor = connection.execute(query, values)
            try:
                found = (record for record in map(_record, cursor) if matches(record.body, where))
                page = list(islice(found, limit))
            finally:
                cursor.close()
        return [Record(record.key, project(record.body, fields), record.revision) for record in page]

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """See `StorageBackend.commit`."""
        check_changes(changes)
        rows = {change.key: _row(change) for change in changes if isinstance(change, Put)}
        if changes:
            with self._database.transaction() as connection:
                for change in changes:
                    _expect(connection, change)
                connection.executemany(_PUT, rows.values())
                gone = [(change.key,) for change in changes if change.key not in rows]
                connection.executemany("DELETE FROM record WHERE key = ?", gone)
        return {key: revision for key, revision, _, _ in rows.values()}


def _range(prefix: str, after: str | None) -> tuple[list[str], list[Scalar]]:
    check_prefix(prefix)
    conditions = ["key >= ?"]
    values: list[Scalar] = [prefix]
    if prefix:
        conditions.append("key < ?")
        values.append(prefix[:-1] + chr(ord(prefix[-1]) + 1))
    if after is not None:
        check_prefix(after)
        conditions.append("key > ?")
        values.append(after)
    return conditions, values


def _sql_compares(name: str, wanted: Scalar) -> bool:
    if not (name.isascii() and name.isidentifier()):
        return False
    if isinstance(wanted, str):
        return wanted.isascii()
    return wanted is None or (isinstance(wanted, int) and abs(wanted) <= _EXACT)


def _expect(connection: sqlite3.Connection, change: Change) -> None:
    row = connection.execute("SELECT revision FROM record WHERE key = ?", (change.key,)).fetchone()
    found = None if row is None else row[0].decode()
    if found != change.expected:
        raise ConflictError(change.key, change.expected, found)


def _row(put: Put) -> tuple[str, str, str, bytes]:
    body, revision = encode_body(put), secrets.token_urlsafe(12)
    return put.key, revision, body, _checksum(put.key.encode(), revision.encode(), body.encode())


def _record(row: tuple[bytes, bytes, bytes, bytes]) -> Record:
    key, revision, body, checksum = row
    name = key.decode(errors="backslashreplace")
    if not (isinstance(body, bytes) and _checksum(key, revision, body) == checksum):
        raise CorruptRecordError(f"record {name!r} does not match its checksum; restore the storage from a copy")
    return Record(name, json.loads(body), revision.decode())


def _checksum(key: bytes, revision: bytes, body: bytes) -> bytes:
    return blake3(b"\0".join((key, revision, body))).digest(16)

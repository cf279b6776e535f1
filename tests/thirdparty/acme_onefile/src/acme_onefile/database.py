"""The SQLite file: tables, a connection for each call, errors in the words of omcore."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from omcore.errors import StorageError, StorageFullError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, revision TEXT, body TEXT, checksum BLOB);
CREATE TABLE IF NOT EXISTS blob (digest TEXT PRIMARY KEY, size INTEGER, chunks BLOB, renewed REAL);
CREATE TABLE IF NOT EXISTS piece (owner TEXT, number INTEGER, written REAL, content BLOB, PRIMARY KEY (owner, number));
CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), value TEXT);
INSERT OR IGNORE INTO identity VALUES (1, lower(hex(randomblob(16))));
COMMIT;
"""

BUSY = 30.0
"""Seconds to wait for another process that writes."""


class Database:
    """One file. Threads and forked children share nothing but that: each call has a connection of its own."""

    def __init__(self, file: Path) -> None:
        """Make the file and its tables where they are not.

        Raises:
            StorageUnavailableError: that cannot be done.
        """
        self.file = file
        self.closed = False
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(file, timeout=BUSY)) as connection:
                connection.executescript(TABLES)
        except (OSError, sqlite3.Error) as error:
            raise StorageUnavailableError(f"the storage in {file} cannot be opened: {error}") from error

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode."""
        if self.closed:
            raise StorageError(f"the storage in {self.file} is closed; open it again")
        try:
            with closing(sqlite3.connect(self.file, timeout=BUSY, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
            kind = StorageFullError if full else StorageError
            raise kind(f"the storage in {self.file} could not be read or written: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write; what raises undoes all of it, since closing rolls back."""
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of an answer, or `None`."""
        with self.connection() as connection:
            row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
        return row

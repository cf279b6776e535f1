"""A SQLite file that threads and processes share: pooled connections, transactions, migrations, errors in our words."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from omcore.errors import CorruptRecordError, StorageError, StorageFullError, StorageUnavailableError
from omcore.storage.forks import ForkGate
from omcore.storage.locks import held
from omcore.storage.osfiles import sync_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNAVAILABLE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL})


_IN_SQLITE = ForkGate()
"""One for the process, as the locks of SQLite are."""


class Database:
    """One SQLite file in WAL mode.

    A connection is used by one thread at a time and goes back to the pool. Before a fork the idle ones are closed,
    because SQLite forbids even closing an inherited connection.
    """

    def __init__(self, path: Path, migrations: Sequence[Sequence[str]], *, durable: bool, busy_timeout: float) -> None:
        """Open the file, making it and bringing it up to date where needed.

        Args:
            path: the file; its folder exists.
            migrations: the statements of each version of the tables, oldest first.
            durable: whether a commit survives the loss of power, or only the death of the process.
            busy_timeout: the seconds to wait for another process that writes.
        """
        self._path = path
        self._synchronous = "FULL" if durable else "NORMAL"
        self._busy_timeout = busy_timeout
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        self._file: tuple[int, int] | None = None
        try:
            self._migrate(migrations)
        except BaseException:
            self.close()
            raise
        _tell_of_forks(weakref.ref(self))

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in autocommit mode."""
        with _IN_SQLITE:
            connection = self._take()
            try:
                yield connection
            except sqlite3.Error as error:
                raise _translate(self._path, error) from error
            finally:
                self._give(connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that alone may write, and commit in the end; nothing is changed if the body raises.

        Raises:
            StorageUnavailableError: the file was removed or replaced since it was opened; what went into it is lost.
        """
        self._refuse_other_file()
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        self._refuse_other_file()

    def close_idle(self) -> None:
        """Close the connections that nobody uses; the next use opens one."""
        with _IN_SQLITE:
            while self._idle:
                self._idle.pop().close()

    def close(self) -> None:
        """Close every connection; those in use when they come back."""
        self._closed = True
        self.close_idle()

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageError(f"the storage in {self._path.parent} is closed; open it again")
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _give(self, connection: sqlite3.Connection) -> None:
        # One that raised is kept, if it could be rolled back: on a full disk no new one could be opened for reading.
        if connection.in_transaction:
            connection.close()
        else:
            self._idle.append(connection)
        if self._closed:
            self.close_idle()

    def _connect(self) -> sqlite3.Connection:
        self._refuse_other_file()  # SQLite would make an empty one in its place
        try:
            connection = sqlite3.connect(
                self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
            )
            connection.text_factory = bytes
            for pragma in (f"synchronous = {self._synchronous}", "fullfsync = ON", "cell_size_check = ON"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise _translate(self._path, error) from error
        if self._file is None:
            self._file = _identify(self._path)
        return connection

    def _refuse_other_file(self) -> None:
        """Refuse to go on when the path leads to another file than the one that was opened, or to none."""
        if self._closed or self._file is None or _identify(self._path) == self._file:
            return
        self.close_idle()
        message = f"{self._path} was removed or replaced while it was open, so nothing is written; open it again"
        raise StorageUnavailableError(message)

    def _migrate(self, migrations: Sequence[Sequence[str]]) -> None:
        if self._version() == len(migrations):
            return
        with held(self._path.with_suffix(".lock"), shared=False):
            version = self._version()
            if version > len(migrations):
                raise StorageUnavailableError(
                    f"{self._path} was made by a newer omcore (tables of version {version}, known are "
                    f"{len(migrations)}); upgrade omcore"
                )
            with self.connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            with self.transaction() as connection:
                for statement in (line for step in migrations[version:] for line in step):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(migrations)}")
            sync_path(self._path.parent)

    def _version(self) -> int:
        with self.connection() as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _identify(path: Path) -> tuple[int, int] | None:
    """The device and the number of a file; `None` if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, on the way of every write
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageUnavailableError(f"{path} cannot be reached ({error.strerror}); open it again") from error
    return found.st_dev, found.st_ino


def _tell_of_forks(reference: weakref.ref[Database]) -> None:
    def before() -> None:
        if database := reference():
            database.close_idle()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before)


def _translate(path: Path, error: sqlite3.Error) -> StorageError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageFullError(f"no room is left for {path}: nothing was changed; make room and try again")
    if code in _UNAVAILABLE:
        return StorageUnavailableError(f"{path} cannot be opened or stays locked by another process: {error}")
    if code in _CORRUPT:
        return CorruptRecordError(f"{path} is damaged: {error}; restore it from a copy")
    return StorageError(f"{path} could not be read or written: {error}")

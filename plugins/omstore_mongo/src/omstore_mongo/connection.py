"""A connection to one database: made on first use, anew after a fork, and told what it must promise."""

from __future__ import annotations

import os
import time
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pymongo
from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.errors import CursorNotFound, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from omcore.errors import ConfigurationError, StorageError
from omstore_mongo.abandoned import APPLICATION
from omstore_mongo.errors import checked_address, is_duplicate, translated, unreachable
from omstore_mongo.options import RESERVED

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pymongo.collection import Collection
    from pymongo.database import Database

    from omstore_mongo.options import MongoOptions

Document: TypeAlias = dict[str, Any]
"""What MongoDB keeps."""

T = TypeVar("T")

DEFAULT_DATABASE = "omcore"

PAUSE = 0.05
"""Seconds before a server that did not answer is asked again."""

WRITE_CONCERN = WriteConcern(w="majority", j=True)
"""A write is acknowledged when most members have it in their journals."""

READ_CONCERN = ReadConcern("majority")
"""Nothing is read that could be rolled back."""


class Connection:
    """One database of one server or replica set, for any number of threads."""

    def __init__(self, options: MongoOptions) -> None:
        """Connect.

        Raises:
            ConfigurationError: the address is none.
            StorageUnavailableError: nobody answers there, or not to this user.
        """
        self._options = options
        self._lock = RLock()
        self._client: MongoClient[Document] | None = None
        self._pid = -1
        self._closed = False
        self.address = _without_secrets(options.url.get_secret_value())
        try:
            _refuse_reserved(self.database.name, self.address)
            with self.translated("open it"):
                hello = self.database.client.admin.command("hello")
                self.database.command("ping")
        except BaseException:
            self.close()
            raise
        self.has_transactions = "setName" in hello or hello.get("msg") == "isdbgrid"

    @property
    def database(self) -> Database[Document]:
        """The database; what is read from it is what most members have, and so is what is written acknowledged."""
        if self._closed:
            raise StorageError(f"the storage at {self.address} is closed; open it again")
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._client, self._pid = self._connect(), os.getpid()
        assert self._client is not None
        given = self._client.get_default_database(DEFAULT_DATABASE).name
        return self._client.get_database(
            self._options.database or given,
            write_concern=WRITE_CONCERN,
            read_concern=READ_CONCERN,
            read_preference=ReadPreference.PRIMARY,
        )

    def collection(self, name: str) -> Collection[Document]:
        """One collection of the database."""
        return self.database[name]

    def translated(self, doing: str) -> AbstractContextManager[None]:
        """Raise what pymongo raises in the block as an error of omcore."""
        return translated(doing, self.address)

    def in_time(self) -> AbstractContextManager[Any]:
        """All that is asked of the server in the block, tries after failures too, ends within the timeout."""
        return pymongo.timeout(self.timeout)

    def repeated(self, ask: Callable[[], T]) -> T:
        """Ask the server, again if it does not answer; only for what may be done twice."""
        end = time.monotonic() + self.timeout
        while True:
            try:
                with self.in_time():
                    return ask()
            except PyMongoError as error:
                lost = unreachable(error) or isinstance(error, CursorNotFound)
                again = lost or (isinstance(error, OperationFailure) and is_duplicate(error))
                if not again or error.timeout or time.monotonic() + PAUSE > end:
                    raise
                time.sleep(PAUSE)

    @property
    def timeout(self) -> float:
        """Seconds until a call is given up."""
        return self._options.timeout

    def close(self) -> None:
        """Let go of the sockets; doing so twice is harmless."""
        self._closed = True
        if self._client is not None and self._pid == os.getpid():
            self._client.close()
        self._client = None

    def _connect(self) -> MongoClient[Document]:
        url, milliseconds = self._options.url.get_secret_value(), int(self._options.timeout * 1000)
        with checked_address(self.address):
            return MongoClient(
                url,
                tz_aware=True,
                appname=APPLICATION,
                timeoutMS=milliseconds,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
            )


def _refuse_reserved(name: str, address: str) -> None:
    if name in RESERVED:
        mend = f"name one of your own as 'database', and write authSource={name} if that is where the user is"
        raise ConfigurationError(f"{address} names {name!r}, a database of the server itself; {mend}")


def _without_secrets(url: str) -> str:
    """The address with neither user nor options."""
    scheme, _, rest = url.partition("://")
    place = rest.rpartition("@")[2].partition("?")[0].rstrip("/")
    return f"{scheme}://{place}" if rest else "mongodb"

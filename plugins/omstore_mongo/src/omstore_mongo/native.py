"""What the storage offers to the codecs of this plugin: to read collections of its server, and to keep some of its own.

A collection of our own, `omcore.documents.<id>`, is written once and then never changed. It is written under another
name and renamed when it is complete. It lives as long as any context of the database holds one small blob, its token,
which the version's record lists like any other part; so versions, promotion and garbage collection need to know nothing
of collections.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.collation import Collation
from pymongo.errors import OperationFailure, PyMongoError

from omcore.errors import CorruptBlobError, StorageUnavailableError
from omcore.storage.digests import digest_of
from omstore_mongo.blobs import BLOBS, LATEST
from omstore_mongo.errors import translated
from omstore_mongo.inserting import insert_once
from omstore_mongo.pages import after, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pymongo import MongoClient
    from pymongo.collection import Collection

    from omstore_mongo.connection import Connection, Document

DOCUMENTS, ARRIVING, LEAVING = "omcore.documents.", "omcore.arriving.", "omcore.leaving."
"""What the names of collections of our own begin with: complete ones, unfinished ones, and those that may go."""

OURS = "omcore."
"""What the names of all collections that belong to storages begin with."""

BINARY_ORDER = Collation(locale="simple")
"""Texts are compared code point by code point, whatever the collection says."""

_EXISTS = 48
"""NamespaceExists: MongoDB's code for a collection that is there already."""

_MISSING = 26
"""NamespaceNotFound: MongoDB's code for a collection that is not there."""

_IDENTIFIER = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class CollectionName:
    """A collection of the server.

    Attributes:
        database: the name of its database.
        collection: its name there.
    """

    database: str
    collection: str

    def __str__(self) -> str:
        return f"{self.database}.{self.collection}"


class NativeCollections:
    """The collections of one context's server, by the rights that the context's own connection has."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def address(self) -> str:
        """Where the server is, without any secret."""
        return self._connection.address

    def documents(self, identifier: str) -> CollectionName:
        """A collection of our own."""
        return CollectionName(self._connection.database.name, f"{DOCUMENTS}{identifier}")

    # --- which server

    def server(self) -> ObjectId | None:
        """The random id of the running server that answers, which no other one has; `None` of a server without."""
        with self._connection.translated("say which server it is"):
            return _server_of(self._connection.database.client)

    def is_reached_by(self, client: MongoClient[Any]) -> bool:
        """Whether another client talks to the same running server."""
        ours = self.server()
        with translated("say which server it is", "the server of the collection"):
            return ours is not None and ours == _server_of(client)

    # --- reading

    def names(self, database: str) -> list[str]:
        """The names of the collections of a database that are not the server's or a storage's own."""
        with self._connection.translated("list collections"):
            found = self._connection.database.client[database].list_collection_names()
        return [name for name in found if not name.startswith(("system.", OURS))]

    def read(
        self,
        name: CollectionName,
        query: Mapping[str, Any] | None = None,
        shown: Mapping[str, Any] | None = None,
    ) -> Iterator[bytes]:
        """The documents that fulfil a query, in the order of their ids; several documents at a time, as BSON.

        Where the connection is lost, or the server forgets how far it was, reading goes on after the last one.
        """
        pages, last = None, b""

        def following() -> bytes | None:
            nonlocal pages
            if pages is None:
                pages = self._pages(name, self._rest(name, query or {}, last), shown)
            try:
                return next(pages, None)
            except PyMongoError:
                pages = None
                raise

        with self._connection.translated("read a collection"):
            while batch := self._connection.repeated(following):
                last = split(batch)[-1]
                yield batch

    def _rest(self, name: CollectionName, query: Mapping[str, Any], last: bytes) -> Mapping[str, Any]:
        """The query of what comes after a document; ids are known to differ in collections, and not in views."""
        if not last:
            return query
        following = after(last) if self._is_there(name, "collection") else None
        if following is None:
            mend = "its ids do not say where to go on, so read it again"
            raise StorageUnavailableError(f"the connection was lost while {str(name)!r} was read; {mend}")
        return {"$and": [query, following]}

    def _pages(
        self, name: CollectionName, query: Mapping[str, Any], shown: Mapping[str, Any] | None, most: int = 0
    ) -> Iterator[bytes]:
        pages = self._of(name).find_raw_batches(
            query, shown, sort=[("_id", 1)], limit=most, collation=BINARY_ORDER, allow_disk_use=True
        )
        return cast("Iterator[bytes]", pages)

    def first(self, name: CollectionName, count: int) -> Iterator[bytes]:
        """The first documents of a collection, as BSON."""
        with self._connection.translated("read a collection"):
            found = self._connection.repeated(lambda: list(self._pages(name, {}, None, count)))
        return chain.from_iterable(map(split, found))

    def is_there(self, name: CollectionName, kind: str | None = None) -> bool:
        """Whether there is a collection of that name; with a kind, whether it is of it: `collection`, `view`."""
        with self._connection.translated("list collections"):
            return self._is_there(name, kind)

    def _is_there(self, name: CollectionName, kind: str | None = None) -> bool:
        query = {"name": name.collection, **({} if kind is None else {"type": kind})}
        database = self._connection.database.client[name.database]
        return bool(database.list_collection_names(filter=query, authorizedCollections=True))

    def has(self, name: CollectionName, query: Mapping[str, Any]) -> bool:
        """Whether any document fulfils a query."""
        with self._connection.translated("read a collection"):
            return self._of(name).find_one(query, {"_id": 1}) is not None

    def _of(self, name: CollectionName) -> Collection[Document]:
        ours = self._connection.database
        return ours.client.get_database(
            name.database,
            read_concern=ours.read_concern,
            write_concern=ours.write_concern,
            read_preference=ours.read_preference,
        )[name.collection]

    # --- collections of our own

    def keep(self, identifier: str, batches: Iterable[Sequence[bytes]]) -> None:
        """Make a collection of our own; it is there when it is complete, and never before.

        Args:
            identifier: its id; where there is one of that id, it stays.
            batches: its documents, as BSON.
        """
        arriving = self._connection.collection(f"{ARRIVING}{ObjectId()}")
        with self._connection.translated("store documents"):
            try:
                self._connection.repeated(lambda: self._create(arriving.name))
                for batch in batches:
                    self._connection.repeated(partial(insert_once, arriving, list(map(RawBSONDocument, batch))))
                self._connection.repeated(lambda: self._publish(arriving.name, identifier))
            finally:
                with suppress(PyMongoError):  # what cannot be cleared now is left to `sweep`
                    self._connection.database.drop_collection(arriving.name)

    def _create(self, name: str) -> None:
        try:
            self._connection.database.create_collection(name, check_exists=False)
        except OperationFailure as error:  # the name is this writer's own: it has made it before
            if error.code != _EXISTS:
                raise

    def _publish(self, name: str, identifier: str) -> None:
        if self._is_there(self.documents(identifier)):
            return
        try:
            self._connection.collection(name).rename(f"{DOCUMENTS}{identifier}")
        except OperationFailure:
            if not self._is_there(self.documents(identifier)):  # else it was done before, or by somebody else
                raise

    def is_kept(self, identifier: str) -> bool:
        """Whether there is a collection of our own of that id."""
        return self.is_there(self.documents(identifier))

    def bring(self, identifier: str, other: NativeCollections) -> None:
        """Have a collection that another context keeps; where it is in the same database, it is here already.

        Raises:
            CorruptBlobError: the other one has lost it.
        """
        if not other.is_kept(identifier):
            raise CorruptBlobError(f"collection {other.documents(identifier)} is not there; restore it from a copy")
        if not self.is_kept(identifier):
            self.keep(identifier, map(split, other.read(other.documents(identifier))))

    def sweep(self, older_than: datetime) -> int:
        """Drop the collections of our own that no context needs, and those that were never finished.

        Returns:
            Bytes of what was dropped.
        """
        with self._connection.translated("clear collections"):
            size = 0
            for name in self._matching(ARRIVING):
                started = ObjectId(name.removeprefix(ARRIVING)).generation_time
                size += self._drop(name) if started < min(older_than, LATEST) else 0
            for prefix in (LEAVING, DOCUMENTS):
                size += sum(self._let_go(name.removeprefix(prefix), name) for name in self._matching(prefix))
        return size

    def _let_go(self, identifier: str, name: str) -> int:
        """Drop a collection that nobody holds.

        It is moved away first, then its token is looked for again, and only then it goes: who begins to hold it
        meanwhile either finds that it is gone, or has it brought back. Who dies in between is followed by another.
        """
        leaving = f"{LEAVING}{identifier}"
        if name != leaving and (self._is_held(identifier) or not self._rename(name, leaving)):
            return 0
        if self._is_held(identifier):
            self._rename(leaving, f"{DOCUMENTS}{identifier}")
            return 0
        return self._drop(leaving)

    def _is_held(self, identifier: str) -> bool:
        token = {"_id": digest_of(token_of(identifier)), "holders": {"$nin": [None, {}]}}
        return self._connection.collection(BLOBS).find_one(token, {"_id": 1}) is not None

    def _rename(self, name: str, other: str) -> bool:
        try:
            self._connection.collection(name).rename(other)
        except OperationFailure as error:
            if error.code != _MISSING:
                raise
            return False  # somebody else was first
        return True

    def _drop(self, name: str) -> int:
        size = self._connection.database.command("collStats", name).get("size", 0)
        self._connection.database.drop_collection(name)
        return int(size)

    def _matching(self, prefix: str) -> list[str]:
        found = self._connection.database.list_collection_names(filter={"name": {"$regex": f"^{re.escape(prefix)}"}})
        return [name for name in found if _IDENTIFIER.fullmatch(name.removeprefix(prefix))]


def _server_of(client: MongoClient[Any]) -> ObjectId | None:
    found = client.admin.command("hello").get("topologyVersion", {}).get("processId")
    return found if isinstance(found, ObjectId) else None


def token_of(identifier: str) -> bytes:
    """The blob that a collection of our own lives as long as."""
    return f'{{"documents":"{identifier}"}}'.encode()

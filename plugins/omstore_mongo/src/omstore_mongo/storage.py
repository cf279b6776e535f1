"""The driver: a storage in MongoDB, on a replica set or on a single server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from omcore.errors import StorageError
from omcore.storage.backend import PAGE, StorageBackend
from omstore_mongo.blobs import BLOBS, CHUNKS, Blobs
from omstore_mongo.connection import Connection
from omstore_mongo.native import NativeCollections
from omstore_mongo.options import MongoOptions
from omstore_mongo.records import Records
from omstore_mongo.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from omcore.storage.backend import BlobInfo, Change, Place, Record
    from omcore.storage.bodies import Scalar

T = TypeVar("T")

META = "omcore.meta"
"""The collection with the random ids of the database, and of each context in it."""

INDEXES = {
    BLOBS: [IndexModel([("holders.$**", 1)]), IndexModel([("upload", 1)])],
    CHUNKS: [IndexModel([("upload", 1), ("n", 1)])],
}
"""What makes the questions of this storage fast, beside the keys."""

NAMESPACE_EXISTS = 48
"""MongoDB's error code for a collection that is there already."""


class MongoStorage(StorageBackend):
    """Keeps records in a collection of the context's own, and blobs in two that all contexts of a database share."""

    api_version = 1
    remote = True
    Options = MongoOptions

    def __init__(self, options: MongoOptions, place: Place) -> None:
        self._connection = Connection(options)
        self._space = options.space or _escaped(place.context)
        try:
            self._database_identity, self._identity = self._open()
        except BaseException:
            self.close()
            raise
        self._records = Records(self._connection, self._collection("records"))
        self._watch = Watch(self._connection, self._collection("records"))
        self._blobs = Blobs(self._connection, self._space)
        self._collections = NativeCollections(self._connection)

    @property
    def address(self) -> str:
        return f"{self._connection.address}#{self._space}"

    @property
    def identity(self) -> str:
        return self._identity

    def _collection(self, name: str) -> str:
        return f"omcore.{self._space}.{name}"

    def _open(self) -> tuple[str, str]:
        """Read the identities of the database and of this context's data in it; make them where there are none."""
        names = ["database", f"space {self._space}"]
        with self._connection.translated("open a storage"):
            found = self._identities(names)
            if len(found) < len(names):
                self._make()
                for name in names:
                    self._identify(name)
                found = self._identities(names)
        if len(found) < len(names):
            raise StorageError(f"the storage at {self.address} has lost its identity; restore it from a copy")
        return found[names[0]], found[names[1]]

    def _identities(self, names: list[str]) -> dict[str, str]:
        query = {"_id": {"$in": names}}
        return {found["_id"]: str(found["value"]) for found in self._connection.collection(META).find(query)}

    def _identify(self, name: str) -> None:
        first = {"$setOnInsert": {"value": secrets.token_hex(16)}}
        meta = self._connection.collection(META)
        self._connection.repeated(lambda: meta.update_one({"_id": name}, first, upsert=True))

    def _make(self) -> None:
        """Make collections and indexes: a transaction could not."""
        for name in ("records", "records.commits"):
            try:
                self._connection.database.create_collection(self._collection(name), check_exists=False)
            except OperationFailure as error:
                if error.code != NAMESPACE_EXISTS:  # else another process was first
                    raise
        for name, indexes in INDEXES.items():
            self._connection.collection(name).create_indexes(indexes)

    # --- blobs

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        return self._blobs.write(chunks)

    def open_blob(self, digest: str) -> BinaryIO:
        return self._blobs.open(digest)

    def has_blob(self, digest: str) -> bool:
        return bool(self._blobs.renew([digest]))

    def have_blobs(self, digests: Collection[str]) -> frozenset[str]:
        return self._blobs.renew(digests)

    def share_blobs(self, digests: Collection[str], other: StorageBackend) -> frozenset[str]:
        """See `SupportsSharing`: contexts of one database keep each content once."""
        if isinstance(other, MongoStorage) and other._database_identity == self._database_identity:
            return self._blobs.share(digests, other._blobs)
        return self._blobs.renew(digests)

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        return self._blobs.find(older_than)

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        return self._blobs.delete(digest, older_than)

    def sweep(self, older_than: datetime) -> int:
        self._records.sweep(older_than)
        return self._blobs.sweep(older_than) + self._collections.sweep(older_than)

    # --- records

    def get_record(self, key: str) -> Record | None:
        return self._records.get(key)

    def get_records(self, keys: Collection[str]) -> Mapping[str, Record]:
        return self._records.get_many(keys)

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        return self._records.find(prefix, where or {}, after, limit, fields)

    def scan_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        fields: Collection[str] | None = None,
    ) -> Iterator[Record]:
        return self._records.scan(prefix, where or {}, fields)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        return self._records.commit(changes)

    def wait_for_change(self, prefix: str, timeout: float) -> bool:
        """See `SupportsWatch`."""
        return self._watch.wait(prefix, timeout)

    # --- beyond blobs and records

    def native(self, kind: type[T]) -> T | None:
        return self._collections if isinstance(self._collections, kind) else None

    # --- life

    def close(self) -> None:
        self._connection.close()


def _escaped(name: str) -> str:
    """A context's name as part of the name of a collection and of a field; two names never become one."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_") else f"%{ord(one):x}%" for one in name)

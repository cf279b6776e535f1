"""Blobs in two collections that all contexts of a database share.

`omcore.blobs` has a document for each blob, and that document is the commit point:

    {_id: digest, length, upload, digests, data, holders: {context: when it was last asked for}}

A small blob is in `data`. A larger one is in `omcore.chunks`, as `{upload, n, data}` with a megabyte each, under the id
of the upload: the digest is known only after the last chunk, and chunks that were named by it could be deleted under
the hands of one who writes the same blob anew. A context has the blobs that it holds; the bytes go with the last
holder. So promotion between contexts of one database copies nothing.
"""

from __future__ import annotations

import io
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from bson import Binary, ObjectId

from omcore.errors import BlobNotFoundError, CorruptBlobError, StorageError
from omcore.storage.backend import CHUNK_SIZE, BlobInfo
from omcore.storage.digests import ChunkDigests, Digester, digest_of, is_digest
from omstore_mongo.inserting import insert_once
from omstore_mongo.reading import ChunkedBlob
from omstore_mongo.uploads import Upload, batches, documents, pieces_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from concurrent.futures import Future

    from pymongo.collection import Collection as MongoCollection

    from omstore_mongo.connection import Connection, Document

BLOBS, CHUNKS = "omcore.blobs", "omcore.chunks"

LARGEST_INLINE = 128 << 10
"""Bytes of a blob above which it is kept in chunks."""

BATCHES_ON_THEIR_WAY = 2
"""Messages that are sent, or wait to be, while the next one is made."""

LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Later than any upload; an id cannot tell of times much later."""


class Blobs:
    """The blobs that one context holds; see `StorageBackend` for what each method promises."""

    def __init__(self, connection: Connection, space: str) -> None:
        self._connection = connection
        self._holder = f"holders.{space}"

    @property
    def _blobs(self) -> MongoCollection[Document]:
        return self._connection.collection(BLOBS)

    @property
    def _chunks(self) -> MongoCollection[Document]:
        return self._connection.collection(CHUNKS)

    # --- writing

    def write(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        """See `StorageBackend.write_blob`."""
        pieces = pieces_of(chunks)
        first = next(pieces, b"")
        second = next(pieces, None)
        if second is None and len(first) <= LARGEST_INLINE:
            info = BlobInfo(digest_of(first), len(first))
            self._publish(info, {"data": Binary(first), "upload": None, "digests": None})
            return info
        return self._upload(chain([first], [] if second is None else [second], pieces))

    def _upload(self, pieces: Iterator[bytes]) -> BlobInfo:
        upload = ObjectId()
        digester = Digester()
        try:
            with ThreadPoolExecutor(1, "om-upload") as sender:  # one batch is sent while the next is made
                sent: deque[Future[None]] = deque()
                for batch in batches(documents(upload, pieces, digester)):
                    while len(sent) >= BATCHES_ON_THEIR_WAY:
                        sent.popleft().result()
                    sent.append(sender.submit(self._send, batch))
                for future in sent:
                    future.result()
        except BaseException:
            with suppress(StorageError):  # what cannot be cleared now is left to `sweep`
                self._discard(upload)
            raise
        digests = digester.result()
        self._publish(digests.info, {"data": None, "upload": upload, "digests": Binary(digests.to_bytes())})
        return digests.info

    def _send(self, batch: list[Document]) -> None:
        with self._connection.translated("store a blob"):
            self._connection.repeated(lambda: insert_once(self._chunks, batch))

    def _discard(self, upload: ObjectId) -> None:
        with self._connection.translated("delete chunks"):
            self._chunks.delete_many({"upload": upload})

    def _publish(self, info: BlobInfo, content: Document) -> None:
        """Make a blob visible to this context, in place of what was there under its digest."""
        update = {"$set": {"length": info.size, **content}, "$currentDate": {self._holder: True}}
        with self._connection.translated("store a blob"):
            before = self._connection.repeated(
                lambda: self._blobs.find_one_and_update({"_id": info.digest}, update, {"upload": 1}, upsert=True)
            )
        if before is not None and before.get("upload") not in (None, content["upload"]):
            with suppress(StorageError):  # as above
                self._discard(before["upload"])

    # --- reading

    def open(self, digest: str) -> BinaryIO:
        """See `StorageBackend.open_blob`."""
        found = self.document(digest)
        if found.get("upload") is None:
            return io.BytesIO(_content(found))
        digests = _digests(found)
        return io.BufferedReader(ChunkedBlob(digests, Upload(self, digest, found["upload"]).read), CHUNK_SIZE)

    def document(self, digest: str) -> Document:
        """The document of a blob.

        Raises:
            BlobNotFoundError: this context holds no such blob.
        """
        with self._connection.translated("read a blob"):
            ours = {"_id": digest, self._holder: {"$exists": True}}
            found = self._blobs.find_one(ours) if is_digest(digest) else None
        if found is None:
            raise BlobNotFoundError(
                f"no blob {digest!r} is in this storage; if a record names it, restore it from a copy or write it again"
            )
        return found

    def chunks(self, upload: ObjectId, first: int, end: int) -> Iterator[bytes]:
        """The chunks of an upload, in order, up to the first that is missing."""
        query = {"upload": upload, "n": {"$gte": first, "$lt": end}}
        with self._connection.translated("read a blob"):
            found = self._chunks.find(query, {"_id": 0, "n": 1, "data": 1}, sort=[("n", 1)])
            for number, chunk in enumerate(found, first):
                if chunk["n"] != number or not isinstance(chunk.get("data"), bytes):
                    return
                yield chunk["data"]

    # --- age

    def renew(self, digests: Collection[str]) -> frozenset[str]:
        """Which of the blobs are there; those are young now."""
        known = [digest for digest in digests if is_digest(digest)]
        return self._renewed(digests, {"_id": {"$in": known}, self._holder: {"$exists": True}})

    def _renewed(self, digests: Collection[str], query: Document) -> frozenset[str]:
        """Hold what a query finds, from now on; the digests of what is held then."""
        with self._connection.translated("look at blobs"):
            held = self._connection.repeated(
                lambda: self._blobs.update_many(query, {"$currentDate": {self._holder: True}})
            )
            if held.matched_count == len(set(digests)):
                return frozenset(digests)
            ours = {"_id": query["_id"], self._holder: {"$exists": True}}
            return frozenset(found["_id"] for found in self._blobs.find(ours, {"_id": 1}))

    def find(self, older_than: datetime) -> Iterator[BlobInfo]:
        """See `StorageBackend.find_blobs`."""
        with self._connection.translated("list blobs"):
            for found in self._blobs.find({self._holder: {"$lt": older_than}}, {"length": 1}):
                yield BlobInfo(found["_id"], _length(found))

    def delete(self, digest: str, older_than: datetime) -> bool:
        """See `StorageBackend.delete_blob`."""
        with self._connection.translated("delete a blob"):
            let_go = self._blobs.update_one(
                {"_id": digest, self._holder: {"$lt": older_than}}, {"$unset": {self._holder: True}}
            )
            if let_go.matched_count:
                self._delete_unheld({"_id": digest})
        return bool(let_go.matched_count)

    def _delete_unheld(self, query: Document) -> int:
        """Delete the bytes of blobs that no context holds; return how many bytes."""
        size = 0
        while gone := self._blobs.find_one_and_delete({**query, "holders": {}}, {"upload": 1, "length": 1}):
            size += _length(gone)
            if gone.get("upload") is not None:
                self._chunks.delete_many({"upload": gone["upload"]})
        return size

    def share(self, digests: Collection[str], other: Blobs) -> frozenset[str]:
        """See `SupportsSharing.share_blobs`: the context holds what another one of this database holds."""
        held = [{holder: {"$exists": True}} for holder in (self._holder, other._holder)]
        return self._renewed(digests, {"_id": {"$in": list(digests)}, "$or": held})

    def sweep(self, older_than: datetime) -> int:
        """See `StorageBackend.sweep`: blobs that nobody holds, and chunks of uploads that no blob refers to."""
        with self._connection.translated("clear unfinished uploads"):
            size = self._delete_unheld({})
            newest = ObjectId.from_datetime(min(older_than, LATEST))
            grouped: list[Document] = [{"$match": {"upload": {"$lt": newest}}}, {"$group": {"_id": "$upload"}}]
            for uploads in batches(found["_id"] for found in self._chunks.aggregate(grouped)):
                used = {found["upload"] for found in self._blobs.find({"upload": {"$in": uploads}}, {"upload": 1})}
                for upload in set(uploads) - used:
                    size += self._size(upload)
                    self._chunks.delete_many({"upload": upload})
        return size

    def _size(self, upload: ObjectId) -> int:
        total = {"$group": {"_id": None, "size": {"$sum": {"$binarySize": "$data"}}}}
        return sum(found["size"] for found in self._chunks.aggregate([{"$match": {"upload": upload}}, total]))


def _length(found: Document) -> int:
    """How long a blob is said to be; reading it verifies that."""
    length = found.get("length")
    return length if isinstance(length, int) else 0


def _content(found: Document) -> bytes:
    data = found.get("data")
    if isinstance(data, bytes) and len(data) == found.get("length") and digest_of(data) == found["_id"]:
        return data
    raise CorruptBlobError(f"the bytes of blob {found['_id']!r} do not match its digest")


def _digests(found: Document) -> ChunkDigests:
    expected = BlobInfo(found["_id"], _length(found))
    try:
        digests = ChunkDigests.from_bytes(found["digests"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptBlobError(f"the chunk digests of blob {expected.digest!r} are missing or damaged") from error
    if digests.info != expected:
        raise CorruptBlobError(f"blob {expected.digest!r} has not the size or the chunk digests it was stored with")
    return digests

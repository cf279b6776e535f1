"""A large blob on its way into chunks of a megabyte, and out of them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bson import Binary, ObjectId

from omcore.errors import CorruptBlobError
from omcore.storage.backend import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from omcore.storage.digests import Digester
    from omstore_mongo.blobs import Blobs
    from omstore_mongo.connection import Document

CHUNKS_AT_ONCE = 4
"""Chunks in one message."""

T = TypeVar("T")


class Upload:
    """The chunks of a blob, wherever they are: a blob that is written anew has other chunks, with the same bytes."""

    def __init__(self, blobs: Blobs, digest: str, upload: ObjectId) -> None:
        self._blobs = blobs
        self._digest = digest
        self._upload = upload

    def read(self, first: int, end: int) -> Iterator[bytes]:
        """The chunks from `first` up to `end`, in order.

        Raises:
            BlobNotFoundError: the blob was deleted meanwhile.
            CorruptBlobError: chunks are missing.
        """
        for chunk in self._blobs.chunks(self._upload, first, end):
            yield chunk
            first += 1
        if first < end:
            latest = self._blobs.document(self._digest).get("upload")
            if latest in (None, self._upload):
                raise CorruptBlobError(f"blob {self._digest!r} has lost its chunk {first}")
            self._upload = latest
            yield from self.read(first, end)


def documents(upload: ObjectId, pieces: Iterator[bytes], digester: Digester) -> Iterator[Document]:
    """What is kept of each piece; the digester takes it on the way."""
    for number, piece in enumerate(pieces):
        digester.update(piece)
        yield {"_id": ObjectId(), "upload": upload, "n": number, "data": Binary(piece)}


def pieces_of(chunks: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """The same bytes, in pieces of `CHUNK_SIZE`; the last may be shorter."""
    held = bytearray()
    for chunk in chunks:
        rest = memoryview(chunk).cast("B")
        while len(held) + len(rest) >= CHUNK_SIZE:
            room = CHUNK_SIZE - len(held)
            yield bytes(held) + bytes(rest[:room]) if held else bytes(rest[:room])
            held.clear()
            rest = rest[room:]
        held += rest
    if held:
        yield bytes(held)


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, so many at a time as go in one message."""
    rest = iter(items)
    while batch := list(islice(rest, CHUNKS_AT_ONCE)):
        yield batch

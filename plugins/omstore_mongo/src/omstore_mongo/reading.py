"""A file made of chunks that are fetched as they are read, each verified before a byte of it is handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from omcore.errors import CorruptBlobError
from omcore.storage.backend import CHUNK_SIZE
from omcore.storage.reader import Positioned
from omstore_mongo.ahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from omcore.storage.digests import ChunkDigests
    from omstore_mongo.ahead import Fetch


class ChunkedBlob(Positioned):
    """Reads a blob whose chunk digests are known: seekable, ranged; keeps the chunk that was read last.

    Attributes:
        digests: what each chunk is compared with; whoever keeps a copy of the blob takes them along.
    """

    def __init__(self, digests: ChunkDigests, fetch: Fetch) -> None:
        super().__init__(digests.info.size)
        self.digests = digests
        self._ahead = ReadAhead(fetch, len(digests.chunks))
        self._at = -1
        self._chunk = b""

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        end = min(self._position + len(target), self.digests.info.size)
        if self._position >= end:
            return 0
        done = 0
        for chunk in self._chunks(self._position // CHUNK_SIZE, -(-end // CHUNK_SIZE)):
            skip = (self._position + done) % CHUNK_SIZE
            piece = memoryview(chunk)[skip : skip + len(target) - done]
            target[done : done + len(piece)] = piece
            done += len(piece)
        self._position += done
        return done

    def readall(self) -> bytes:
        first, skip = divmod(self._position, CHUNK_SIZE)
        chunks = list(self._chunks(first, len(self.digests.chunks)))
        self._position = max(self._position, self.digests.info.size)
        return b"".join([memoryview(chunks[0])[skip:], *chunks[1:]]) if chunks else b""

    def close(self) -> None:
        self._ahead.close()
        super().close()

    def _chunks(self, first: int, end: int) -> Iterator[bytes]:
        """The chunks, verified; the one that was read last is not fetched again."""
        if first == self._at and first < end:
            yield self._chunk
            first += 1
        if first < end:
            for number, chunk in enumerate(self._ahead.read(first, end), first):
                if blake3(chunk).digest() != self.digests.chunks[number]:
                    digest = self.digests.info.digest
                    raise CorruptBlobError(f"the bytes of blob {digest!r} do not match their digest in chunk {number}")
                self._at, self._chunk = number, chunk
                yield chunk

"""A file that is verified chunk by chunk while it is read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from blake3 import blake3

from omcore.errors import CorruptBlobError
from omcore.storage.backend import CHUNK_SIZE
from omcore.storage.osfiles import translated

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from omcore.storage.digests import ChunkDigests


class Positioned(io.RawIOBase):
    """A file with a position that seeking alone does nothing about."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"cannot seek to {start + offset}, before the beginning")
        self._position = start + offset
        return self._position


class VerifiedFile(Positioned):
    """Reads a file whose chunk digests are known; a byte that was not verified never leaves it.

    Attributes:
        digests: what each chunk is compared with.
    """

    def __init__(self, file: io.FileIO, digests: ChunkDigests) -> None:
        super().__init__(digests.info.size)
        self._file = file
        self.digests = digests
        self._at = -1
        self._chunk = b""

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        if self._position >= self.digests.info.size:
            return 0
        index, skip = divmod(self._position, CHUNK_SIZE)
        piece = memoryview(self._verified(index))[skip : skip + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        first, skip = divmod(self._position, CHUNK_SIZE)
        chunks = [self._verified(index) for index in range(first, len(self.digests.chunks))]
        self._position = max(self._position, self.digests.info.size)
        return b"".join([chunks[0][skip:], *chunks[1:]]) if chunks else b""

    def close(self) -> None:
        self._file.close()
        super().close()

    def _verified(self, index: int) -> bytes:
        if index != self._at:
            chunk = self._read(index)
            if blake3(chunk).digest() != self.digests.chunks[index]:
                digest = self.digests.info.digest
                raise CorruptBlobError(f"the bytes of blob {digest!r} do not match their digest in chunk {index}")
            self._at, self._chunk = index, chunk
        return self._chunk

    def _read(self, index: int) -> bytes:
        with translated(f"read blob {self.digests.info.digest!r}"):
            self._file.seek(index * CHUNK_SIZE)
            return self._file.read(CHUNK_SIZE) or b""

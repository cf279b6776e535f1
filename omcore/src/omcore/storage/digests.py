"""Digests of a blob: one of the whole, and one for each chunk so that a part can be verified alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, Self

from blake3 import blake3

from omcore.storage.backend import CHUNK_SIZE, BlobInfo

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAGIC = b"omchunk1"
_WIDTH = 32


def is_digest(text: str) -> bool:
    """Say whether `text` can be the name of a blob."""
    return _DIGEST.fullmatch(text) is not None


def digest_of(data: bytes | bytearray | memoryview) -> str:
    """The digest of a whole content."""
    return blake3(data).hexdigest()


@dataclass(frozen=True, slots=True)
class ChunkDigests:
    """A blob's name and size, and the digest of each of its chunks of `CHUNK_SIZE` bytes."""

    info: BlobInfo
    chunks: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Write it as a document that carries its own checksum."""
        head = _MAGIC + bytes.fromhex(self.info.digest) + self.info.size.to_bytes(8, "big")
        content = head + b"".join(self.chunks)
        return content + blake3(content).digest()

    @classmethod
    def from_bytes(cls, document: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: it is not such a document, or was changed since.
        """
        content, checksum = document[:-_WIDTH], document[-_WIDTH:]
        if not content.startswith(_MAGIC) or blake3(content).digest() != checksum:
            raise ValueError("the list of chunk digests is damaged")
        rest = content[len(_MAGIC) :]
        info = BlobInfo(rest[:_WIDTH].hex(), int.from_bytes(rest[_WIDTH : _WIDTH + 8], "big"))
        chunks = rest[_WIDTH + 8 :]
        return cls(info, tuple(chunks[at : at + _WIDTH] for at in range(0, len(chunks), _WIDTH)))


def known_digests(file: BinaryIO) -> ChunkDigests | None:
    """The digests that an open blob is verified with, where it tells: it, or its `raw` file, has them as `digests`."""
    found = getattr(getattr(file, "raw", file), "digests", None)
    return found if isinstance(found, ChunkDigests) else None


class Digester:
    """Takes a content piece by piece, in pieces of any size, and says the digests in the end."""

    def __init__(self) -> None:
        self._whole = blake3()
        self._chunk = blake3()
        self._chunks: list[bytes] = []
        self._size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next piece."""
        rest = memoryview(data).cast("B")
        self._whole.update(rest)
        while rest:
            room = CHUNK_SIZE - self._size % CHUNK_SIZE
            piece, rest = rest[:room], rest[room:]
            self._chunk.update(piece)
            self._size += len(piece)
            if self._size % CHUNK_SIZE == 0:
                self._finish_chunk()

    def result(self) -> ChunkDigests:
        """The digests of all that was taken; nothing more may be taken afterwards."""
        if self._size % CHUNK_SIZE:
            self._finish_chunk()
        return ChunkDigests(BlobInfo(self._whole.hexdigest(), self._size), tuple(self._chunks))

    def _finish_chunk(self) -> None:
        self._chunks.append(self._chunk.digest())
        self._chunk = blake3()

"""Files that are read from far away and leave a copy here, and copies that are read instead of what is far away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from omcore.errors import CorruptBlobError, StorageError
from omcore.storage.backend import CHUNK_SIZE
from omcore.storage.reader import Positioned

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from typing_extensions import Buffer

    from omcore.storage.backend import BlobInfo
    from omcore.storage.draft import Draft

T = TypeVar("T")

PIECE = 4 * CHUNK_SIZE
"""Bytes that are fetched at a time."""


class CopyingFile(Positioned):
    """Reads a blob from far away, no chunk twice; who has read all of it has made a copy."""

    def __init__(self, blob: BinaryIO, draft: Draft) -> None:
        """Read nothing yet.

        Args:
            blob: what is far away; every byte it gives was verified.
            draft: where the chunks go.
        """
        super().__init__(draft.info.size)
        self._blob = blob
        self._draft = draft
        self._at = -1
        self._chunk = b""

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        if self._position >= self._size:
            return 0
        number, skip = divmod(self._position, CHUNK_SIZE)
        length = 0 if skip else self._missing(number, len(target))
        if length:
            self._fetch(number, target[:length])
        else:
            piece = memoryview(self._one(number))[skip : skip + len(target)]
            length = len(piece)
            target[:length] = piece
        self._position += length
        return length

    def readall(self) -> bytes:
        start = self._position
        self._blob.seek(start)
        data = self._blob.read()
        self._position = max(start, start + len(data))
        skip = -start % CHUNK_SIZE
        if skip < len(data) and self._position == self._size:
            self._draft.put((start + skip) // CHUNK_SIZE, memoryview(data)[skip:])
        return data

    def close(self) -> None:
        if not self.closed:
            self._draft.close()
            self._blob.close()
        super().close()

    def _missing(self, first: int, room: int) -> int:
        """The bytes of the chunks from one on that are not here yet and that a buffer has room for."""
        end = first * CHUNK_SIZE
        limit = end + room
        while end < self._size and end // CHUNK_SIZE not in self._draft:
            after = min(end + CHUNK_SIZE, self._size)
            if after > limit:
                break
            end = after
        return end - first * CHUNK_SIZE

    def _one(self, number: int) -> bytes:
        if number != self._at:
            chunk = self._draft.get(number)
            if chunk is None:
                fetched = bytearray(min(CHUNK_SIZE, self._size - number * CHUNK_SIZE))
                self._fetch(number, memoryview(fetched))
                chunk = bytes(fetched)
            self._at, self._chunk = number, chunk
        return self._chunk

    def _fetch(self, first: int, target: memoryview) -> None:
        self._blob.seek(first * CHUNK_SIZE)
        read_all(self._blob, target, self._draft.info)
        self._draft.put(first, target)


class CopiedFile(Positioned):
    """Reads a copy; from where it turns out to be damaged, what it is a copy of."""

    def __init__(self, copy: BinaryIO, size: int, original: Callable[[], BinaryIO]) -> None:
        """Read nothing yet.

        Args:
            copy: verified as it is read.
            size: its bytes.
            original: removes the copy and opens what it is a copy of.
        """
        super().__init__(size)
        self._file = copy
        self._original: Callable[[], BinaryIO] | None = original

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        count = self._sound(lambda: read_some(self._file, target))
        self._position += count
        return count

    def readall(self) -> bytes:
        data = self._sound(lambda: self._file.read())
        self._position += len(data)
        return data

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _sound(self, read: Callable[[], T]) -> T:
        self._file.seek(self._position)
        try:
            return read()
        except StorageError:
            if self._original is None:
                raise
        self._file.close()
        self._file, self._original = self._original(), None
        self._file.seek(self._position)
        return read()


def fetch(blob: BinaryIO, draft: Draft) -> Path | None:
    """Read all of a blob from its beginning into a draft; the file of the copy, `None` where the draft failed.

    While one piece is written, the next one is on its way.
    """
    size = draft.info.size
    with closing(draft), ThreadPoolExecutor(1) as writer:
        buffers = [memoryview(bytearray(min(PIECE, size))) for _ in range(min(2, -(-size // PIECE)))]
        writing: Future[None] | None = None
        for number, start in enumerate(range(0, size, PIECE)):
            piece = buffers[number % 2][: size - start]
            read_all(blob, piece, draft.info)
            if writing is not None:
                writing.result()
            if draft.failed:
                return None
            writing = writer.submit(draft.put, start // CHUNK_SIZE, piece)
        if writing is not None:
            writing.result()
    return draft.kept


def read_all(blob: BinaryIO, target: memoryview, info: BlobInfo) -> None:
    """Fill a piece of memory from a blob.

    Raises:
        CorruptBlobError: the blob ends before.
    """
    done = 0
    while done < len(target):
        count = read_some(blob, target[done:])
        if not count:
            message = f"blob {info.digest!r} ends {len(target) - done} bytes too early where it has {info.size}"
            raise CorruptBlobError(message)
        done += count


def read_some(file: BinaryIO, target: memoryview) -> int:
    """Read into memory as much as the file gives at once; 0 at its end."""
    readinto = getattr(file, "readinto", None)
    if readinto is not None:
        return int(readinto(target) or 0)
    piece = file.read(len(target))
    target[: len(piece)] = piece
    return len(piece)

"""A blob as a file that is read a chunk at a time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from omcore.storage.backend import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer


class BlobFile(io.RawIOBase):
    """Reads what `chunk(number)` gives, which has verified it."""

    def __init__(self, size: int, chunk: Callable[[int], bytes]) -> None:
        self._size = size
        self._chunk = chunk
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("cannot seek to before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        if self._position >= self._size:
            return 0
        target = memoryview(buffer).cast("B")
        number, skip = divmod(self._position, CHUNK_SIZE)
        found = self._chunk(number)[skip : skip + len(target)]
        target[: len(found)] = found
        self._position += len(found)
        return len(found)

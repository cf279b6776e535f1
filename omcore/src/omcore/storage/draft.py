"""A copy of a blob that is being made: chunks in any order, as somebody reads them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from blake3 import blake3

from omcore.errors import StorageError
from omcore.storage.backend import CHUNK_SIZE
from omcore.storage.digests import ChunkDigests
from omcore.storage.osfiles import write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omcore.storage.backend import BlobInfo


class Draft:
    """Takes the chunks of one blob, which were verified, and gives them back; the last one makes a copy of it.

    Used by one reader. A disk that does not do its part ends the draft, and is no error.

    Attributes:
        info: the blob.
        kept: the file of the copy; `None` until it is whole.
        failed: there will be none.
    """

    def __init__(
        self,
        info: BlobInfo,
        known: ChunkDigests | None,
        path: Path,
        publish: Callable[[Path, ChunkDigests], Path],
        give_up: Callable[[Exception], None],
    ) -> None:
        """Write nothing yet.

        Args:
            info: the blob; it is not empty.
            known: the digests that its chunks were verified with; `None` to make them.
            path: where to write.
            publish: takes the file when it is whole, and says where it is then.
            give_up: told what went wrong.
        """
        self.info = info
        self.kept: Path | None = None
        self._known = known
        self._path = path
        self._publish = publish
        self._give_up = give_up
        self._file: io.FileIO | None = None
        self.failed = False
        self._digests: dict[int, bytes] = {}

    def __contains__(self, chunk: int) -> bool:
        return chunk in self._digests

    def put(self, first: int, data: memoryview) -> None:
        """Take chunks that follow each other.

        Args:
            first: the number of the first of them.
            data: their bytes; every chunk is whole.
        """
        if self.failed or self.kept:
            return
        try:
            self._write(first * CHUNK_SIZE, data)
            for place in range(0, len(data), CHUNK_SIZE):
                chunk = first + place // CHUNK_SIZE
                self._digests[chunk] = self._digest(chunk, data[place : place + CHUNK_SIZE])
            if len(self._digests) == -(-self.info.size // CHUNK_SIZE):
                digests = tuple(self._digests[chunk] for chunk in range(len(self._digests)))
                self.kept = self._publish(self._path, ChunkDigests(self.info, digests))
        except (OSError, StorageError) as error:
            self._end()
            self._give_up(error)

    def get(self, chunk: int) -> bytes | None:
        """A chunk that it has; `None` if it has not, or not any more."""
        if self._file is None or chunk not in self._digests:
            return None
        try:
            self._file.seek(chunk * CHUNK_SIZE)
            data = self._file.read(CHUNK_SIZE)
        except OSError:
            return None
        return data if data is not None and blake3(data).digest() == self._digests[chunk] else None

    def close(self) -> None:
        """Nothing more comes; what is not whole is cleared away."""
        if self._file is not None:
            self._file.close()
            self._file = None
            if self.kept is None:
                self._clear()

    def _digest(self, chunk: int, data: memoryview) -> bytes:
        return self._known.chunks[chunk] if self._known else blake3(data).digest()

    def _write(self, position: int, data: memoryview) -> None:
        if self._file is None:
            self._file = io.FileIO(self._path, "x+b")
        self._file.seek(position)
        write_all(self._file, data)

    def _end(self) -> None:
        self.failed = True
        self._digests.clear()
        self.close()

    def _clear(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._give_up(error)

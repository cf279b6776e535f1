"""Copies of blobs on local disk, up to a size. A digest never lies, so no copy is ever out of date.

The folder is one of blobs, as an embedded storage has; a copy's age is when it was last asked for. `size` holds the
bytes of all copies, about; when they are too many, whoever has made one counts anew and removes those that were not
asked for the longest. Who has one open reads on; who has only its path may find it gone. Nothing that goes wrong here
is an error for a reader: there is no copy then.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

from omcore.errors import BlobNotFoundError, CorruptBlobError, StorageError
from omcore.storage.blobs import BlobFolder
from omcore.storage.draft import Draft
from omcore.storage.locks import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.storage.backend import BlobInfo
    from omcore.storage.digests import ChunkDigests

UNFINISHED = timedelta(hours=1)
"""A copy that nobody has gone on with for so long was given up."""

PAUSE = 60.0
"""Seconds in which no copies are made after one could not be."""

FULL = 0.9
"""The share of the limit that is left when copies are removed, so that it is not done again at once."""

logger = logging.getLogger(__name__)


class BlobCache:
    """The copies of one context's blobs; used by any number of threads and processes at once."""

    def __init__(self, root: Path, limit: int) -> None:
        """Touch nothing yet.

        Args:
            root: the folder; made when it is needed.
            limit: bytes that the copies may have together.
        """
        self._root = root
        self._limit = limit
        self._made: BlobFolder | None = None
        self._paused = 0.0
        self._warned = False

    # --- reading

    def open(self, digest: str) -> BinaryIO | None:
        """A copy, open for reading; `None` if there is none. A copy that is damaged is removed.

        Raises:
            CorruptBlobError: at a later read, if the bytes do not match.
        """
        with self._spared(digest):
            found = self._folder.open(digest)
            self._folder.renew(digest)
            return found
        return None

    def path(self, digest: str) -> Path | None:
        """The file of a copy, verified as a whole; `None` if there is none. A copy that is damaged is removed.

        The file may be gone before it is opened, where others make copies meanwhile.
        """
        with self._spared(digest):
            return self._folder.local_path(digest) if self._folder.renew(digest) else None
        return None

    def discard(self, digest: str) -> None:
        """Remove a copy, if there is one."""
        with self._spared(digest):
            self._folder.delete(digest, _AFTER_ALL)

    # --- writing

    def draft(self, info: BlobInfo, known: ChunkDigests | None) -> Draft | None:
        """A new copy of a blob, to be filled; `None` where none can be kept.

        Args:
            info: the blob.
            known: the digests that its chunks are verified with, so that they need not be made again.
        """
        if not 0 < info.size <= self._limit or time.monotonic() < self._paused:
            return None
        with self._spared(info.digest):
            return Draft(info, known, self._folder.new_path(), self._publish, self._give_up)
        return None

    def _publish(self, path: Path, digests: ChunkDigests) -> Path:
        kept = self._folder.publish(path, digests)
        self._count(digests.info)
        return kept

    def _count(self, made: BlobInfo) -> None:
        total = self._root / "size"
        with held(self._root / "size.lock", shared=False):
            try:
                found = int(total.read_text("ascii")) + made.size
            except (FileNotFoundError, ValueError):
                found = self._limit + 1
            total.write_text(str(self._evict(made) if found > self._limit else found), "ascii")

    def _evict(self, made: BlobInfo) -> int:
        """Remove the copies that were not asked for the longest, but for one, until there is room; the bytes left."""
        now = datetime.now(UTC)
        self._folder.sweep(now - UNFINISHED)
        copies = sorted(self._folder.ages(_AFTER_ALL), key=lambda found: found[0])
        left = sum(info.size for _, info in copies)
        for _, info in copies if left > self._limit else ():
            if left <= self._limit * FULL:
                break
            if info.digest != made.digest:
                self._folder.delete(info.digest, _AFTER_ALL)
                left -= info.size
        return left

    # --- trouble

    @property
    def _folder(self) -> BlobFolder:
        if self._made is None:
            made = BlobFolder(self._root, durable=False)
            made.clear_temporary(datetime.now(UTC) - UNFINISHED)
            self._made = made
        return self._made

    @contextmanager
    def _spared(self, digest: str) -> Iterator[None]:
        """Let nothing that is wrong with the cache reach the reader."""
        try:
            yield
        except BlobNotFoundError:
            return
        except CorruptBlobError:
            self.discard(digest)
        except (StorageError, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Make no copies for a while; say so once. A folder that somebody has cleared away is made again at once."""
        if isinstance(error.__cause__ or error, FileNotFoundError):
            self._made = None
            return
        self._paused = time.monotonic() + PAUSE
        if not self._warned:
            self._warned = True
            logger.warning(
                "no copies of blobs can be kept in %s (%s); they are read from the storage each time", self._root, error
            )


_AFTER_ALL = datetime(9000, 1, 1, tzinfo=UTC)
"""Later than the age of any copy."""

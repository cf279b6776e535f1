"""A folder of immutable files, each named by the digest of its content.

`blobs/ab/<digest>` is the content and nothing else, so that it can be mapped into memory. A content of more than one
chunk has its chunk digests beside it, in `<digest>.chunks`. A blob's age is its file's modification time. What
is being written lies in `tmp/`.
"""

from __future__ import annotations

import io
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

from omcore.errors import BlobNotFoundError, CorruptBlobError, StorageError
from omcore.storage.backend import CHUNK_SIZE, BlobInfo
from omcore.storage.digests import ChunkDigests, Digester, digest_of, is_digest
from omcore.storage.locks import held
from omcore.storage.osfiles import clear, make_folder, older, renew, sync_file, sync_path, translated, write_all
from omcore.storage.reader import VerifiedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

_WORTH_THREADS = 16 << 20


class BlobFolder:
    """The blobs of one embedded storage or cache; used by any number of threads and processes at once.

    Who deletes holds the lock alone; who renews an age or brings a file into place shares it. So no blob goes away
    between the look at its age and its removal.
    """

    def __init__(self, root: Path, *, durable: bool) -> None:
        self._blobs = root / "blobs"
        self._temporary = root / "tmp"
        self._lock = root / "blobs.lock"
        self._durable = durable
        make_folder(self._blobs)
        make_folder(self._temporary)

    # --- writing

    def write(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        """Stream a content into a temporary file, make it durable, then give it its name."""
        digester = Digester()
        with self._scratch() as path, self._writing(path) as file:
            for chunk in chunks:
                digester.update(chunk)
                with translated("write a blob"):
                    write_all(file, chunk)
            digests = digester.result()
            with translated("write a blob"):
                if not self._is_kept(digests.info.digest):
                    self._sync(file)
                    self.publish(path, digests)
        return digests.info

    def new_path(self) -> Path:
        """A name for a file that is going to be published; whoever writes it clears it away where it is not."""
        return self._temporary / secrets.token_hex(16)

    def _is_kept(self, digest: str) -> bool:
        """Say whether the blob was already there, whole; if it was, it is young and durable now."""
        path = self._path(digest)
        if not (self.renew(digest) and self._is_whole(digest)):
            return False
        if self._durable:
            sync_path(path)
            sync_path(path.parent)
        return True

    def _is_whole(self, digest: str) -> bool:
        try:
            with self.open(digest):
                self.local_path(digest)
        except StorageError:
            return False
        return True

    def publish(self, path: Path, digests: ChunkDigests) -> Path:
        """Give a file at a `new_path()`, whole and where it matters durable, the name of its digest; where it is then.

        Raises:
            OSError: what the file system says.
        """
        target = self._path(digests.info.digest)
        if self._durable:
            make_folder(target.parent)
        else:
            target.parent.mkdir(exist_ok=True)
        with self._scratch() as beside:
            if digests.info.size > CHUNK_SIZE:
                with self._writing(beside) as file:
                    write_all(file, digests.to_bytes())
                    self._sync(file)
            with held(self._lock, shared=True):
                if digests.info.size > CHUNK_SIZE:
                    beside.replace(_beside(target))
                renew(path)
                path.replace(target)
        if self._durable:
            sync_path(target.parent)
        return target

    def _sync(self, file: io.FileIO) -> None:
        if self._durable:
            sync_file(file.fileno())

    @contextmanager
    def _writing(self, path: Path) -> Iterator[io.FileIO]:
        # Unbuffered: a buffer would be written again at the close, after a write that failed.
        with translated("write a blob"):
            file = io.FileIO(path, "xb")
        with file:
            yield file

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A name for a file that is gone afterwards, unless it was given another name."""
        path = self.new_path()
        try:
            yield path
        finally:
            with translated("clear a temporary file"):
                path.unlink(missing_ok=True)

    # --- reading

    def open(self, digest: str) -> BinaryIO:
        """Open for verified reading; see `StorageBackend.open_blob`."""
        with _existing(digest), held(self._lock, shared=True):
            path = self._path(digest)
            file = io.FileIO(path)
            try:
                size = os.fstat(file.fileno()).st_size
                if size <= CHUNK_SIZE:
                    return self._small(file, digest)
                digests = _read_digests(path, BlobInfo(digest, size))
            except BaseException:
                file.close()
                raise
        return io.BufferedReader(VerifiedFile(file, digests))

    def _small(self, file: io.FileIO, digest: str) -> BinaryIO:
        with file:
            content = file.readall()
        if digest_of(content) != digest:
            raise CorruptBlobError(f"the bytes of blob {digest!r} do not match its digest")
        return io.BytesIO(content)

    def local_path(self, digest: str) -> Path:
        """The file, verified as a whole; see `SupportsLocalPath`."""
        path = self._path(digest)
        with _existing(digest):
            found = blake3(max_threads=_threads(path.stat().st_size)).update_mmap(path).hexdigest()
        if found != digest:
            raise CorruptBlobError(f"the bytes of blob {digest!r} do not match its digest")
        return path

    # --- age

    def renew(self, digest: str) -> bool:
        """Say whether the blob is there; if it is, it is young now."""
        with translated(f"look at blob {digest!r}"), held(self._lock, shared=True):
            try:
                renew(self._path(digest))
            except FileNotFoundError:
                return False
        return True

    def find(self, older_than: datetime) -> Iterator[BlobInfo]:
        """The blobs last renewed before a time."""
        return (info for _, info in self.ages(older_than))

    def ages(self, older_than: datetime) -> Iterator[tuple[int, BlobInfo]]:
        """The blobs last renewed before a time, and when that was, in nanoseconds since the epoch."""
        with translated("list the blobs"):
            for path in self._blobs.glob("*/*"):
                if is_digest(path.name) and (found := older(path, older_than)):
                    yield found.st_mtime_ns, BlobInfo(path.name, found.st_size)

    def delete(self, digest: str, older_than: datetime) -> bool:
        """Delete the blob if it was last renewed before a time."""
        path = self._path(digest)
        with translated(f"delete blob {digest!r}"), held(self._lock, shared=False):
            if not older(path, older_than):
                return False
            path.unlink()
            _beside(path).unlink(missing_ok=True)
        return True

    def sweep(self, older_than: datetime) -> int:
        """Delete what unfinished writes and deletes left before a time; return its bytes."""
        cleared = self.clear_temporary(older_than)
        with translated("clear chunk digests"):
            for beside in self._blobs.glob("*/*.chunks"):
                if not beside.with_suffix("").exists():
                    with held(self._lock, shared=False):
                        cleared += 0 if beside.with_suffix("").exists() else clear([beside], older_than)
        return cleared

    def clear_temporary(self, older_than: datetime) -> int:
        """Delete temporary files last written before a time; return their bytes."""
        with translated("clear temporary files"):
            return clear(self._temporary.iterdir(), older_than)

    def _path(self, digest: str) -> Path:
        # A text that is no digest names a file that never exists; it reaches the file system only as a constant.
        return self._blobs / digest[:2] / digest if is_digest(digest) else self._blobs / "none" / "none"


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.chunks")


def _threads(size: int) -> int:
    # Never `blake3.AUTO`: its threads are shared by the process, and a forked child that has none waits for ever.
    return 1 if size < _WORTH_THREADS else min(8, os.cpu_count() or 1)


@contextmanager
def _existing(digest: str) -> Iterator[None]:
    with translated(f"read blob {digest!r}"):
        try:
            yield
        except FileNotFoundError as error:
            raise BlobNotFoundError(f"no blob {digest!r} is in this storage") from error


def _read_digests(path: Path, expected: BlobInfo) -> ChunkDigests:
    try:
        digests = ChunkDigests.from_bytes(_beside(path).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise CorruptBlobError(f"the chunk digests of blob {expected.digest!r} are missing or damaged") from error
    if digests.info != expected:
        raise CorruptBlobError(f"blob {expected.digest!r} has not the size or the chunk digests it was stored with")
    return digests

"""A storage that is far away, with a cache of its blobs on local disk in front of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from pydantic import BaseModel, ConfigDict

from omcore.errors import StorageError
from omcore.storage.backend import PAGE, BlobInfo, StorageBackend, SupportsKey, SupportsWatch
from omcore.storage.cache import BlobCache
from omcore.storage.copying import CopiedFile, CopyingFile, fetch
from omcore.storage.digests import known_digests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from omcore.storage.backend import Body, Change, Record
    from omcore.storage.bodies import Scalar
    from omcore.storage.draft import Draft


T = TypeVar("T")


class NoOptions(BaseModel):
    """The configuration says nothing about the wrapper: its options are those of what it wraps."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CachedStorage(StorageBackend):
    """Reads blobs from copies on local disk, where there are any, and makes them; all else is done by the backend.

    What is read as a whole is kept. Of what is read in part, no more is fetched than the chunks that are needed. A
    blob that somebody else has deleted may be read until its copy makes room: its bytes are what its digest says.

    Attributes:
        backend: the storage that is far away.
    """

    api_version = 1
    Options = NoOptions

    def __init__(self, backend: StorageBackend, cache: BlobCache) -> None:
        self.backend = backend
        self._cache = cache
        self._closed = False

    @property
    def address(self) -> str:
        return self.backend.address

    @property
    def identity(self) -> str:
        return self.backend.identity

    # --- blobs, from the cache

    def open_blob(self, digest: str) -> BinaryIO:
        copy = self._copies.open(digest)
        if copy is None:
            return self._fetching(digest)
        if isinstance(copy, io.BytesIO):  # small, so it is whole and was verified
            return copy
        size = copy.seek(0, io.SEEK_END)
        return io.BufferedReader(CopiedFile(copy, size, lambda: self._afresh(digest)))

    def copy_path(self, digest: str, *, fetch: bool) -> Path | None:
        """A file with the blob's content, verified as a whole; never to be written to. `None` if there is no copy.

        Args:
            digest: the blob.
            fetch: make a copy where there is none; where none can be kept, there is none then either.

        Raises:
            BlobNotFoundError: it was to be fetched, and there is no such blob.
            CorruptBlobError: it was to be fetched, and the bytes do not match.
        """
        found = self._copies.path(digest)
        return self._fetch(digest) if found is None and fetch else found

    def _fetch(self, digest: str) -> Path | None:
        with self.backend.open_blob(digest) as blob:
            draft = self._draft(digest, blob)
            return None if draft is None else fetch(blob, draft)

    def _fetching(self, digest: str) -> BinaryIO:
        blob = self.backend.open_blob(digest)
        draft = self._draft(digest, blob)
        return blob if draft is None else io.BufferedReader(CopyingFile(blob, draft))

    def _draft(self, digest: str, blob: BinaryIO) -> Draft | None:
        size = blob.seek(0, io.SEEK_END)
        blob.seek(0)
        return self._copies.draft(BlobInfo(digest, size), known_digests(blob))

    def _afresh(self, digest: str) -> BinaryIO:
        self._copies.discard(digest)
        return self._fetching(digest)

    @property
    def _copies(self) -> BlobCache:
        if self._closed:
            raise StorageError(f"the storage in {self.address} is closed; open it again")
        return self._cache

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        deleted = self.backend.delete_blob(digest, older_than)
        if deleted:
            self._cache.discard(digest)
        return deleted

    # --- all else, by the backend

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        return self.backend.write_blob(chunks)

    def has_blob(self, digest: str) -> bool:
        return self.backend.has_blob(digest)

    def have_blobs(self, digests: Collection[str]) -> frozenset[str]:
        return self.backend.have_blobs(digests)

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        return self.backend.find_blobs(older_than)

    def sweep(self, older_than: datetime) -> int:
        return self.backend.sweep(older_than)

    def get_record(self, key: str) -> Record | None:
        return self.backend.get_record(key)

    def get_records(self, keys: Collection[str]) -> Mapping[str, Record]:
        return self.backend.get_records(keys)

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        return self.backend.find_records(prefix, where, after, limit, fields)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        return self.backend.commit(changes)

    def put_record(self, key: str, body: Body, expected: str | None) -> str:
        return self.backend.put_record(key, body, expected)

    def delete_record(self, key: str, expected: str) -> None:
        self.backend.delete_record(key, expected)

    def scan_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        fields: Collection[str] | None = None,
    ) -> Iterator[Record]:
        return self.backend.scan_records(prefix, where, fields)

    def native(self, kind: type[T]) -> T | None:
        return self.backend.native(kind)

    def close(self) -> None:
        self._closed = True
        self.backend.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.backend!r}>"


class _Watching(CachedStorage):
    """Of a backend that can wake a waiter."""

    def wait_for_change(self, prefix: str, timeout: float) -> bool:
        """See `SupportsWatch`."""
        assert isinstance(self.backend, SupportsWatch)
        return self.backend.wait_for_change(prefix, timeout)


class _Keyed(CachedStorage):
    """Of a backend that keeps a key."""

    def signing_secret(self) -> bytes:
        """See `SupportsKey`."""
        assert isinstance(self.backend, SupportsKey)
        return self.backend.signing_secret()


class _KeyedWatching(_Keyed, _Watching):
    """Of a backend that does both."""


_KINDS: Mapping[tuple[bool, bool], type[CachedStorage]] = {
    (False, False): CachedStorage,
    (False, True): _Watching,
    (True, False): _Keyed,
    (True, True): _KeyedWatching,
}


def cached(backend: StorageBackend, folder: Path, limit: int) -> CachedStorage:
    """A storage with a cache in front of it; it supports what the backend does, local paths aside.

    Args:
        backend: a storage that is far away; closed with what is returned.
        folder: where the copies go; several processes may share it.
        limit: bytes that the copies may have together.
    """
    kind = _KINDS[isinstance(backend, SupportsKey), isinstance(backend, SupportsWatch)]
    return kind(backend, BlobCache(folder, limit))


def uncached(storage: StorageBackend) -> StorageBackend:
    """The backend itself: for who reads once what nobody here will read again, or needs what only it can do."""
    return storage.backend if isinstance(storage, CachedStorage) else storage

"""Brings blobs to another storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.errors import CorruptBlobError
from omcore.storage.backend import CHUNK_SIZE, SupportsSharing
from omcore.storage.cached import uncached

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import BinaryIO

    from omcore.storage.backend import StorageBackend


def bring_for_free(digests: Collection[str], source: StorageBackend, target: StorageBackend) -> frozenset[str]:
    """Which of these blobs the target has, or can have without a copy and has now; the age of each is renewed."""
    near, far = uncached(target), uncached(source)
    return near.share_blobs(digests, far) if isinstance(near, SupportsSharing) else near.have_blobs(digests)


def copy_blob(digest: str, source: StorageBackend, target: StorageBackend) -> None:
    """Write a blob, streamed, every byte verified; what is there already is renewed, and mended if it was damaged.

    Raises:
        BlobNotFoundError: the source has no such blob.
        CorruptBlobError: the bytes in the source do not match their digest, or were changed on their way.
    """
    with uncached(source).open_blob(digest) as file:
        written = target.write_blob(_chunks(file))
    if written.digest != digest:
        where = f"{source.address} to {target.address}"
        raise CorruptBlobError(f"blob {digest} came out as {written.digest} on its way from {where}; do it again")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_SIZE):
        yield chunk

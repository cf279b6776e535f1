"""Brings blobs to another storage, those that are missing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.errors import CorruptBlobError
from omcore.objects.codecs.base import SupportsTransfer
from omcore.objects.parts import BlobSink, BlobSource
from omcore.promotion.record import Copied
from omcore.storage.backend import CHUNK_SIZE, SupportsSharing
from omcore.storage.cached import uncached

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import BinaryIO

    from omcore.objects.codecs.base import Codec, Content
    from omcore.storage.backend import StorageBackend


def copy_blobs(content: Content, source: StorageBackend, target: StorageBackend, *, dry_run: bool) -> Copied:
    """Write the blobs of the content that the target does not have, streamed, every byte verified.

    Those that it has, or can have without a copy, are renewed, so that garbage collection leaves them alone until the
    version refers to them.

    Raises:
        BlobNotFoundError: the source has lost one.
        CorruptBlobError: the bytes in the source do not match their digest.
    """
    sizes = {part.digest: part.size for part in content.parts}
    there = _present(sizes, uncached(source), uncached(target), dry_run=dry_run)
    missing = [digest for digest in sizes if digest not in there]
    if not dry_run:
        for digest in missing:
            _copy(digest, source, target)
    size = sum(sizes[digest] for digest in missing)
    return Copied(len(missing), size, len(sizes) - len(missing), sum(sizes.values()) - size)


def _present(
    digests: Collection[str], source: StorageBackend, target: StorageBackend, *, dry_run: bool
) -> frozenset[str]:
    if isinstance(target, SupportsSharing) and not dry_run:
        return target.share_blobs(digests, source)
    return target.have_blobs(digests)


def transfer(content: Content, codec: Codec, source: StorageBackend, target: StorageBackend, *, dry_run: bool) -> None:
    """Bring what of the content is in no blob, if its codec keeps anything elsewhere; after `copy_blobs`.

    Raises:
        UnsupportedTypeError: it cannot be in the target.
    """
    if isinstance(codec, SupportsTransfer):
        codec.transfer(content, BlobSource(source), BlobSink(target), dry_run=dry_run)


def _copy(digest: str, source: StorageBackend, target: StorageBackend) -> None:
    with uncached(source).open_blob(digest) as file:
        written = target.write_blob(_chunks(file))
    if written.digest != digest:
        where = f"{source.address} to {target.address}"
        raise CorruptBlobError(f"blob {digest} came out as {written.digest} on its way from {where}; promote again")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_SIZE):
        yield chunk

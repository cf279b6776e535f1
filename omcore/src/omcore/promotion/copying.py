"""Brings blobs to another storage, those that are missing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.promotion.record import Copied
from omcore.storage.transfer import bring_for_free, copy_blob

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Content
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
    there = target.have_blobs(sizes) if dry_run else bring_for_free(sizes, source, target)
    missing = [digest for digest in sizes if digest not in there]
    if not dry_run:
        for digest in missing:
            copy_blob(digest, source, target)
    size = sum(sizes[digest] for digest in missing)
    return Copied(len(missing), size, len(sizes) - len(missing), sum(sizes.values()) - size)

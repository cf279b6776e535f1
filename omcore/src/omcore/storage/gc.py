"""Garbage collection: delete the blobs that no record needs any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from omcore.errors import CorruptRecordError
from omcore.storage.backend import REFERENCES_FIELD

if TYPE_CHECKING:
    from omcore.storage.backend import BlobInfo, Record, StorageBackend

GRACE = timedelta(hours=24)
"""How long a blob is kept although nothing refers to it: a writer has this long from blob to record."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a collection did, or would do.

    Attributes:
        deleted: blobs that were deleted.
        kept: old blobs that stay, because a record needs them or a writer has just asked for them.
        bytes: the size of what was deleted.
        swept: bytes of unfinished writes that were cleared; a dry run does not look for them.
    """

    deleted: int = 0
    kept: int = 0
    bytes: int = 0
    swept: int = 0


def collect(storage: StorageBackend, grace: timedelta = GRACE, *, dry_run: bool = False) -> Report:
    """Delete every blob that no record lists in its field `blobs` and whose age exceeds `grace`.

    Safe while others write, if each writer asks `has_blob` (or writes) for every blob that its record is going to list,
    and commits the record within `grace`: the age is looked at again, in one step with the delete. The records are read
    a second time before anything is deleted, so that a reference that moved from one record to another is seen.

    Args:
        storage: whose blobs.
        grace: how long ago a blob must have been written, or asked for, at least.
        dry_run: only say what would be deleted.

    Raises:
        CorruptRecordError: a record's list of blobs cannot be read; nothing is deleted.
    """
    before = datetime.now(UTC) - grace
    old = list(storage.find_blobs(before))
    doomed = _unreferenced(storage, _unreferenced(storage, old))
    deleted = [blob for blob in doomed if dry_run or storage.delete_blob(blob.digest, before)]
    return Report(
        deleted=len(deleted),
        kept=len(old) - len(deleted),
        bytes=sum(blob.size for blob in deleted),
        swept=0 if dry_run else storage.sweep(before),
    )


def _unreferenced(storage: StorageBackend, blobs: list[BlobInfo]) -> list[BlobInfo]:
    if not blobs:
        return []
    unseen = {blob.digest for blob in blobs}
    for record in storage.scan_records("", fields=(REFERENCES_FIELD,)):
        unseen.difference_update(_references(record))
    return [blob for blob in blobs if blob.digest in unseen]


def _references(record: Record) -> list[str]:
    references = record.body.get(REFERENCES_FIELD, [])
    if not (isinstance(references, list) and all(isinstance(digest, str) for digest in references)):
        raise CorruptRecordError(
            f"record {record.key!r} has no list of digests in its field {REFERENCES_FIELD!r}, so what it needs is "
            "unknown and nothing is collected; repair or delete the record"
        )
    return references

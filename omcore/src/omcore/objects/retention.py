"""Letting go of what was dropped long ago, so that garbage collection can take its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from omcore.errors import ConflictError
from omcore.objects.heads import Move, noted
from omcore.objects.keys import PREFIX
from omcore.objects.shelf import Found, Shelf
from omcore.objects.versions import Head
from omcore.storage.backend import PAGE, Delete

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from omcore.storage.backend import Record, StorageBackend


@dataclass(frozen=True, slots=True)
class Purged:
    """A dropped object whose versions are gone.

    Attributes:
        bucket: the bucket's name.
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's name.
        versions: how many versions it had.
    """

    bucket: str
    store: str
    name: str
    versions: int


def purge(storage: StorageBackend, older_than: datetime, author: str, *, dry_run: bool = False) -> Iterator[Purged]:
    """Remove the versions of every object, in any bucket, that was dropped before a time and not stored again since.

    Their history stays, and so do their numbers: a later `put` goes on counting. The blobs are left to the storage's
    garbage collection. An object that moves meanwhile is left alone.

    Args:
        storage: the context's storage.
        older_than: an aware datetime.
        author: whom the history names, as `user@host`.
        dry_run: only say what would be removed.

    Yields:
        Each object as soon as its versions are gone.
    """
    limit = older_than.astimezone(UTC).isoformat(timespec="microseconds")
    for record in storage.scan_records(PREFIX, where={"live": False}):
        shelf, found = _found(storage, record)
        if found.head.modified >= limit:
            continue
        doomed = list(storage.scan_records(shelf.versions_prefix(found.head.name), fields=["number"]))
        if doomed and (dry_run or _remove(shelf, found, doomed, author)):
            yield Purged(shelf.bucket, shelf.store, found.head.name, len(doomed))


def _found(storage: StorageBackend, record: Record) -> tuple[Shelf, Found]:
    bucket, store = record.key.removeprefix(PREFIX).split("/")[:2]
    return Shelf(storage, "", bucket, store), Found(Head.from_body(record.body), record.revision)


def _remove(shelf: Shelf, found: Found, doomed: list[Record], author: str) -> bool:
    """Delete the records together with a move of the head, so that no rollback can come between; whether it did."""
    while doomed:
        batch, doomed = doomed[:PAGE], doomed[PAGE:]
        moved = noted(found.head, Move("purge", author, f"{len(batch)} versions"))
        changes = shelf.changes(moved, found.revision)
        try:
            revisions = shelf.storage.commit([*changes, *(Delete(old.key, old.revision) for old in batch)])
        except ConflictError:
            return False
        found = Found(moved.head, revisions[changes[-1].key])
    return True

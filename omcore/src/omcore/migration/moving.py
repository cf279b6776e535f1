"""Writes one object to the target: its blobs first, and in the end a head that points at nothing that is not there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omcore.errors import BlobNotFoundError, ConflictError, CorruptBlobError
from omcore.migration.comparing import compare
from omcore.migration.report import Moved
from omcore.migration.sides import kept
from omcore.objects.heads import now, unborn
from omcore.objects.keys import head_key, history_key, version_key
from omcore.objects.parts import transfer
from omcore.objects.sealing import resealed
from omcore.storage.backend import Put
from omcore.storage.transfer import bring_for_free, copy_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from omcore.migration.sides import Kept, Side
    from omcore.objects.shelf import Shelf
    from omcore.objects.versions import Head, Version

BATCH = 200
"""Records that are written at once, at most; and with them always a head."""

BATCH_BYTES = 4 << 20
"""About how many bytes these have."""

ATTEMPTS = 20
"""How often an object is looked at again when others write it at the same time."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Brings objects from one side to the other, one at a time.

    Attributes:
        source: where they are.
        target: where they go.
        verify: read also the blobs that the target has already, and mend those that are damaged.
        advance: told the bytes of each blob that was written.
    """

    source: Side
    target: Side
    verify: bool
    advance: Callable[[float], None]

    def move(self, bucket: str, store: str, name: str) -> Moved:
        """Bring one object.

        Raises:
            MigrationRefusedError: the target has another object of that name by now.
            CorruptBlobError, BlobNotFoundError: a blob of it cannot be read; the object in the target is as it was.
            ConflictError: others write it in the target all the time.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return self._move(bucket, store, name)
            except ConflictError:
                continue
        return self._move(bucket, store, name)

    def _move(self, bucket: str, store: str, name: str) -> Moved:
        ours, theirs = self.source.shelf(bucket, store), self.target.shelf(bucket, store)
        source, target = kept(ours, name), kept(theirs, name)
        if source is None:  # nobody takes a head away, so it was none of an object
            return Moved(bucket, store, name, "there")
        state = compare(source, target, theirs)
        if state == "ahead":
            return Moved(bucket, store, name, state)
        blobs, size = self._copy(ours, source)
        missing = source.missing_in(target)
        if state != "there":
            _Writer(self, ours, theirs, source, target).write(missing)
        return Moved(bucket, store, name, state, len(missing), blobs, size)

    def _copy(self, shelf: Shelf, source: Kept) -> tuple[int, int]:
        """Copy the blobs of all versions that the target has not; how many, and their bytes."""
        sizes = source.blobs
        there = bring_for_free(sizes, self.source.storage, self.target.storage)
        copied = [digest for digest in sizes if digest not in there or (self.verify and not self._sound(digest))]
        for digest in copied:
            try:
                copy_blob(digest, self.source.storage, self.target.storage)
            except (BlobNotFoundError, CorruptBlobError) as error:
                message = f"{source.head.name!r} in {shelf} could not be copied: {error}; then migrate again"
                raise type(error)(message) from error
            self.advance(sizes[digest])
        return len(copied), sum(sizes[digest] for digest in copied)

    def _sound(self, digest: str) -> bool:
        try:
            with self.target.storage.open_blob(digest) as file:
                while file.read(BATCH_BYTES):
                    pass
        except (BlobNotFoundError, CorruptBlobError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the records of one object: all at once, or in batches, each with a head, so that no number is given twice.

    Until the last batch, that head points where the one before it did, or at nothing.
    """

    mover: Mover
    ours: Shelf
    theirs: Shelf
    source: Kept
    target: Kept | None

    def write(self, missing: Sequence[int]) -> None:
        """Write the versions of these numbers, then the head as the source has it."""
        place = (self.theirs.bucket, self.theirs.store, self.source.head.name)
        key, revision = head_key(*place), self.target.found.revision if self.target else None
        signer, puts, size = "", list[Put](), 0
        for version in self._versions(frozenset(missing)):
            if len(puts) == BATCH or size > BATCH_BYTES:
                puts.append(Put(key, self._meanwhile(version).to_body(), revision))
                revision = self.theirs.storage.commit(puts)[key]
                puts, size = [], 0
            puts.append(Put(version_key(*place, version.number), version.to_body(), None))
            size += len(json.dumps(puts[-1].body))
            if version.number == self.source.head.current:
                signer = version.signature.get("key", "")
        head = replace(self.source.head, signed_by=signer or self._signer())
        self.theirs.storage.commit([*puts, *self._pages(), Put(key, head.to_body(), revision)])

    def _versions(self, missing: frozenset[int]) -> Iterator[Version]:
        source, target = self.mover.source, self.mover.target
        for version in self.ours.versions(self.source.head.name):
            if version.number in missing:
                codec = target.codecs.for_kind(version.kind)
                transfer(version.content, codec, source.storage, target.storage, dry_run=False)
                yield resealed(version, source.keys, target.keys)

    def _meanwhile(self, coming: Version) -> Head:
        """The head of an object of which not all is there: the versions before one."""
        before = self.target.head if self.target else replace(unborn(coming), modified=now())
        return replace(before, latest=max(before.latest, coming.number - 1))

    def _signer(self) -> str:
        """Who signed the current version, if the target has it already."""
        current = self.source.head.current
        version = None if current is None else self.theirs.version(self.source.head.name, current)
        return version.signature.get("key", "") if version else ""

    def _pages(self) -> Iterator[Put]:
        """The pages of history that the target has not."""
        place = (self.theirs.bucket, self.theirs.store, self.source.head.name)
        first = self.target.head.pages if self.target else 0
        for page in range(first, self.source.head.pages):
            record = self.ours.storage.get_record(history_key(*place, page))
            if record is not None:  # it was there when the history was read
                yield Put(record.key, record.body, None)

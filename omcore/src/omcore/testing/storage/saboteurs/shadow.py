"""Any storage, with one plausible mistake put in front of it: so the bars show that they notice, on every backend."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from omcore.errors import ConflictError
from omcore.storage.backend import PAGE, Put, Record, StorageBackend

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from omcore.storage.backend import BlobInfo, Change
    from omcore.storage.bodies import Scalar
    from omcore.testing.storage.crash import OpenAnywhere


def spoiled(kind: type[Shadow], open_storage: OpenAnywhere) -> OpenAnywhere:
    """Open the same storage, with a mistake in front of it."""
    return partial(_open, kind, open_storage)


def _open(kind: type[Shadow], open_storage: OpenAnywhere) -> Shadow:
    return kind(open_storage())


class Shadow(StorageBackend):
    """Does what another storage does; subclasses do one thing worse."""

    api_version = 1

    def __init__(self, honest: StorageBackend) -> None:
        self.honest = honest

    @property
    def address(self) -> str:
        return self.honest.address

    @property
    def identity(self) -> str:
        return self.honest.identity

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        return self.honest.write_blob(chunks)

    def open_blob(self, digest: str) -> BinaryIO:
        return self.honest.open_blob(digest)

    def has_blob(self, digest: str) -> bool:
        return self.honest.has_blob(digest)

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        return self.honest.find_blobs(older_than)

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        return self.honest.delete_blob(digest, older_than)

    def sweep(self, older_than: datetime) -> int:
        return self.honest.sweep(older_than)

    def get_record(self, key: str) -> Record | None:
        return self.honest.get_record(key)

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        return self.honest.find_records(prefix, where, after, limit, fields)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        return self.honest.commit(changes)

    def close(self) -> None:
        self.honest.close()

    def revision_of(self, key: str) -> str | None:
        """The revision a record has now, if there is one."""
        found = self.get_record(key)
        return found.revision if found else None


class AcknowledgesEarly(Shadow):
    """Says that records are stored while they wait for the next few."""

    def __init__(self, honest: StorageBackend) -> None:
        super().__init__(honest)
        self._waiting: list[Put] = []

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        self._waiting += [change for change in changes if isinstance(change, Put)]
        if len(self._waiting) > 5 or len(self._waiting) < len(changes):
            for change in self._waiting:
                found = self.honest.get_record(change.key)
                self.honest.commit([Put(change.key, change.body, found.revision if found else None)])
            self._waiting.clear()
        return {change.key: "soon" for change in changes}

    def get_record(self, key: str) -> Record | None:
        waiting = [put for put in self._waiting if put.key == key]
        return Record(key, waiting[-1].body, "soon") if waiting else self.honest.get_record(key)


class HeadFirst(Shadow):
    """Makes the changes of a commit one by one, the last one first."""

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        revisions: dict[str, str] = {}
        for change in reversed(changes):
            revisions |= self.honest.commit([change])
            time.sleep(0.005)
        return revisions


class ComparesThenSets(Shadow):
    """Compares in one transaction, and sets in the next."""

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        for change in changes:
            found = self.revision_of(change.key)
            if found != change.expected:
                raise ConflictError(change.key, change.expected, found)
        time.sleep(0.001)
        return self.honest.commit([self._as_it_is_now(change) for change in changes])

    def _as_it_is_now(self, change: Change) -> Change:
        found: Any = self.revision_of(change.key)
        return replace(change, expected=found) if found else change


class LooksThenDeletes(Shadow):
    """Looks at a blob's age, and a moment later deletes it."""

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        old = any(blob.digest == digest for blob in self.honest.find_blobs(older_than))
        time.sleep(0.02)
        return old and self.honest.delete_blob(digest, older_than.replace(year=9000))

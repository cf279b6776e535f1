"""Embedded storages that break where processes die or meet; caught by the kit's `crash` and `contention`."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from omcore.errors import ConflictError
from omcore.storage.backend import BlobInfo, Put, Record
from omcore.storage.digests import digest_of
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from omcore.storage.backend import Change, Place


class AcknowledgesEarly(EmbeddedStorage):
    """Says that records are stored while they wait for the next few."""

    def __init__(self, options: EmbeddedOptions, place: Place) -> None:
        super().__init__(options, place)
        self._waiting: list[Put] = []

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        self._waiting += [change for change in changes if isinstance(change, Put)]
        if len(self._waiting) > 5 or len(self._waiting) < len(changes):
            for change in self._waiting:
                found = super().get_record(change.key)
                super().commit([Put(change.key, change.body, found.revision if found else None)])
            self._waiting.clear()
        return {change.key: "soon" for change in changes}

    def get_record(self, key: str) -> Record | None:
        waiting = [put for put in self._waiting if put.key == key]
        return Record(key, waiting[-1].body, "soon") if waiting else super().get_record(key)


class HeadFirst(EmbeddedStorage):
    """Makes the changes of a commit one by one, the last one first."""

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        revisions: dict[str, str] = {}
        for change in reversed(changes):
            revisions |= super().commit([change])
            time.sleep(0.005)
        return revisions


class WritesInPlace(EmbeddedStorage):
    """Writes a blob where its readers look for it."""

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        pieces = [bytes(chunk) for chunk in chunks]
        digest = digest_of(b"".join(pieces))
        path = self._path / "blobs" / digest[:2] / digest
        path.parent.mkdir(exist_ok=True)
        with path.open("wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
        return super().write_blob(pieces)


class ComparesThenSets(EmbeddedStorage):
    """Compares in one transaction, and sets in the next."""

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        for change in changes:
            found = self.get_record(change.key)
            if (found.revision if found else None) != change.expected:
                raise ConflictError(change.key, change.expected, found.revision if found else None)
        time.sleep(0.001)
        return super().commit([self._as_it_is_now(change) for change in changes])

    def _as_it_is_now(self, change: Change) -> Change:
        found = self.get_record(change.key)
        return replace(change, expected=found.revision) if found else change


class LooksThenUnlinks(EmbeddedStorage):
    """Looks at a blob's age, and a moment later deletes the file."""

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        old = any(blob.digest == digest for blob in self.find_blobs(older_than))
        time.sleep(0.001)
        if old:
            (self._path / "blobs" / digest[:2] / digest).unlink()
        return old


class OpensWithoutALock(EmbeddedStorage):
    """Makes its identity at the opening if it finds none, whoever else does so at the same moment."""

    def __init__(self, options: EmbeddedOptions, place: Place) -> None:
        super().__init__(options, place)
        path = self._path / "identity"
        if not path.exists():
            time.sleep(0.02)
            path.write_text(secrets.token_hex(16))
        self._identity = path.read_text()

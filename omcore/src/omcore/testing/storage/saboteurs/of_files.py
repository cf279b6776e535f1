"""Embedded storages that break where processes die or meet, in ways that only files know."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from omcore.storage.digests import digest_of
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omcore.storage.backend import BlobInfo, Place


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


class OpensWithoutALock(EmbeddedStorage):
    """Makes its identity at the opening if it finds none, whoever else does so at the same moment."""

    def __init__(self, options: EmbeddedOptions, place: Place) -> None:
        super().__init__(options, place)
        path = self._path / "identity"
        if not path.exists():
            time.sleep(0.02)
            path.write_text(secrets.token_hex(16))
        self._identity = path.read_text()

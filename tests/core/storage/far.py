"""A storage that behaves as if it were far away: no local files, and a count of the bytes that had to be fetched."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.reader import VerifiedFile

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.storage.backend import Place


class FarFile(VerifiedFile):
    """Counts the chunks that it reads."""

    def __init__(self, near: VerifiedFile, storage: FarStorage) -> None:
        super().__init__(near._file, near.digests)
        self._near = near  # kept, because it closes its file when it goes
        self._storage = storage

    def _read(self, index: int) -> bytes:
        data = super()._read(index)
        self._storage.fetched += len(data)
        return data


class FarStorage(EmbeddedStorage):
    """Keeps all in a folder, and hands out no path of it."""

    remote = True
    tells = True  # what the chunks are verified with
    local_path = None  # type: ignore[assignment] # so that nobody takes it for a storage of local files

    def __init__(self, options: EmbeddedOptions, place: Place) -> None:
        super().__init__(options, place)
        self.fetched = 0
        self.opened = 0

    def open_blob(self, digest: str) -> BinaryIO:
        file = super().open_blob(digest)
        self.opened += 1
        if isinstance(file, io.BytesIO):
            self.fetched += len(file.getbuffer())
            return file
        near: VerifiedFile = file.detach()  # type: ignore[attr-defined]
        opened = io.BufferedReader(FarFile(near, self))
        return opened if self.tells else io.BufferedReader(opened)  # type: ignore[type-var,unused-ignore]


def far(place: Place) -> FarStorage:
    """Open the storage of a place."""
    return FarStorage(EmbeddedOptions(durability="process"), place)


def flip(path: Path, position: int) -> None:
    """Change one bit of a file."""
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 0x10]))

"""Where the kit lets codecs write and read."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from blake3 import blake3

from omcore.errors import BlobNotFoundError
from omcore.objects.codecs.base import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class Parts:
    """A sink and a source in memory.

    Attributes:
        given: the parts that were written, in order.
        blobs: their bytes.
    """

    def __init__(self) -> None:
        self.given: list[Part] = []
        self.blobs: list[bytes] = []

    def add(
        self,
        chunks: Iterable[bytes | bytearray | memoryview],
        *,
        name: str = "",
        rows: int | None = None,
        statistics: Mapping[str, Any] | None = None,
    ) -> Part:
        """Keep one part."""
        data = b"".join(bytes(chunk) for chunk in chunks)
        digest = blake3(data, derive_key_context=f"omcore kit {len(self.blobs)}").hexdigest()
        self.blobs.append(data)
        self.given.append(Part(digest, len(data), name, rows, statistics or {}))
        return self.given[-1]

    def data(self, part: Part) -> bytes:
        """The bytes of a part.

        Raises:
            BlobNotFoundError: there is no such part.
        """
        for given, blob in zip(self.given, self.blobs, strict=True):
            if given.digest == part.digest:
                return blob
        raise BlobNotFoundError(f"no part has the digest {part.digest!r}; ask for one that was written")

    def open(self, part: Part) -> BinaryIO:
        """Open a part."""
        return BytesIO(self.data(part))

    def path(self, part: Part, *, whole: bool = True) -> Path | None:  # noqa: ARG002 - memory has no files
        """No part is a file."""
        return None


class Files:
    """The same parts as files."""

    def __init__(self, folder: Path, parts: Parts) -> None:
        self._folder = folder
        self._parts = parts
        for part in parts.given:
            (folder / part.digest).write_bytes(parts.data(part))

    def open(self, part: Part) -> BinaryIO:
        """Open a part."""
        self._parts.data(part)
        return (self._folder / part.digest).open("rb")

    def path(self, part: Part, *, whole: bool = True) -> Path | None:  # noqa: ARG002 - all are here
        """The file of a part."""
        return self._folder / part.digest

    def check(self) -> None:
        """Fail if a file was written to."""
        for part in self._parts.given:
            assert (self._folder / part.digest).read_bytes() == self._parts.data(part), (
                "a file of the storage was changed"
            )

"""Parts in memory: for values that travel inside a task, and for tests."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from omcore.errors import BlobNotFoundError
from omcore.objects.codecs.base import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class MemorySink:
    """Keeps parts in a list. A part's digest is its ordinal: there is nothing to tell apart or to verify here.

    Attributes:
        blobs: the bytes of the parts, in the order they were added.
    """

    def __init__(self) -> None:
        self.blobs: list[bytes] = []

    def add(
        self,
        chunks: Iterable[bytes | bytearray | memoryview],
        *,
        name: str = "",
        rows: int | None = None,
        statistics: Mapping[str, Any] | None = None,
    ) -> Part:
        """Keep one part; see `Sink`."""
        data = b"".join(chunks)
        self.blobs.append(data)
        return Part(str(len(self.blobs) - 1), len(data), name, rows, statistics or {})


class MemorySource:
    """Gives the parts that a `MemorySink` kept."""

    def __init__(self, blobs: list[bytes]) -> None:
        self._blobs = blobs

    def open(self, part: Part) -> BinaryIO:
        """Open a part; see `Source`.

        Raises:
            BlobNotFoundError: there is no part of that ordinal.
        """
        if not part.digest.isdecimal() or int(part.digest) >= len(self._blobs):
            message = (
                f"part {part.digest!r} was asked for but there are {len(self._blobs)} parts; the value is incomplete"
            )
            raise BlobNotFoundError(message)
        return BytesIO(self._blobs[int(part.digest)])

    def path(self, part: Part, *, whole: bool = True) -> Path | None:  # noqa: ARG002 - memory has no files
        """None of the parts is a file."""
        return None

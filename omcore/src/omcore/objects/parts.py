"""Between codecs and storage: parts are blobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from omcore.objects.codecs.base import Part, SupportsTransfer
from omcore.storage.backend import SupportsLocalPath
from omcore.storage.cached import CachedStorage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from omcore.objects.codecs.base import Codec, Content
    from omcore.storage.backend import StorageBackend


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlobSink:
    """Where a codec writes parts: each becomes a blob of the storage."""

    storage: StorageBackend

    def add(
        self,
        chunks: Iterable[bytes | bytearray | memoryview],
        *,
        name: str = "",
        rows: int | None = None,
        statistics: Mapping[str, Any] | None = None,
    ) -> Part:
        """Store one part, streamed, and say what it became."""
        info = self.storage.write_blob(chunks)
        return Part(info.digest, info.size, name, rows, dict(statistics or {}))

    def native(self, kind: type[T]) -> T | None:
        """See `SupportsNative`."""
        return self.storage.native(kind)


@dataclass(frozen=True, slots=True)
class BlobSource:
    """Where a codec reads parts: blobs of the storage, verified as they are read."""

    storage: StorageBackend

    def open(self, part: Part) -> BinaryIO:
        """Open a part: seekable, ranged."""
        return self.storage.open_blob(part.digest)

    def path(self, part: Part, *, whole: bool = True) -> Path | None:
        """The part as a local file to map into memory; see `Source`."""
        if isinstance(self.storage, CachedStorage):
            return self.storage.copy_path(part.digest, fetch=whole)
        return self.storage.local_path(part.digest) if isinstance(self.storage, SupportsLocalPath) else None

    def native(self, kind: type[T]) -> T | None:
        """See `SupportsNative`."""
        return self.storage.native(kind)


def transfer(content: Content, codec: Codec, source: StorageBackend, target: StorageBackend, *, dry_run: bool) -> None:
    """Bring what of the content is in no blob, if its codec keeps anything elsewhere; after its blobs.

    Raises:
        UnsupportedTypeError: it cannot be in the target.
    """
    if isinstance(codec, SupportsTransfer):
        codec.transfer(content, BlobSource(source), BlobSink(target), dry_run=dry_run)

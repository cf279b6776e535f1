"""A stored dataset in pieces: each is read alone, and what was written in pieces becomes one dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import SupportsParts
from omcore.objects.codecs.rules import read_parts
from omcore.objects.parts import BlobSink, BlobSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.base import Codec, Content, Query, Trust
    from omcore.objects.registry import CodecRegistry
    from omcore.storage.backend import StorageBackend


@dataclass(frozen=True, slots=True)
class PartedObject:
    """One version of an object, and what of it is wanted, piece by piece.

    Attributes:
        content: the content of the version.
        query: what of each piece is wanted.
    """

    content: Content
    query: Query
    _codec: Codec
    _storage: StorageBackend
    _trust: Trust

    @property
    def rows(self) -> tuple[int, ...]:
        """How many rows each piece holds before any filter; nothing is read. What cannot be split is one piece."""
        if isinstance(self._codec, SupportsParts):
            return tuple(self._codec.part_rows(self.content))
        return (self.content.rows or 0,)

    @property
    def sizes(self) -> tuple[int, ...]:
        """About how many stored bytes each piece holds: the content's, shared by rows."""
        rows = self.rows
        return tuple(self.content.size * each // max(1, sum(rows)) for each in rows)

    def read(self, first: int, last: int) -> Any:
        """Read the pieces from `first` up to, but not including, `last`, as one value of the object's kind.

        Only they are opened and verified. Their rows keep the labels that they have in the whole.
        """
        source = BlobSource(self._storage)
        return read_parts(self._codec, self.content, source, self.query, self._trust, slice(first, last))


def cut(value: Any, start: int, stop: int) -> Any:
    """Some rows of a frame, a series, a table, an array, a sparse matrix or a list."""
    if hasattr(value, "iloc"):
        return value.iloc[start:stop]
    if hasattr(value, "num_rows"):
        return value.slice(start, stop - start)
    return value[start:stop]


def compose(contents: Sequence[Content], codecs: CodecRegistry, storage: StorageBackend) -> Content:
    """Content that is as if the rows of these, whose blobs are in the storage, had been written at once.

    Raises:
        UnsupportedTypeError: they are of different kinds, of a kind that has no pieces, or do not fit together.
    """
    kinds = list(dict.fromkeys(content.kind for content in contents))
    if len(kinds) > 1:
        message = f"pieces of the kinds {' and '.join(kinds)} cannot be put together; make all of them one kind"
        raise UnsupportedTypeError(message)
    codec = codecs.for_kind(kinds[0])
    if not isinstance(codec, SupportsParts):
        message = f"pieces of the kind {kinds[0]!r} cannot be put together; make them arrays, frames or sparse matrices"
        raise UnsupportedTypeError(message)
    return codec.compose(contents, BlobSink(storage), BlobSource(storage))

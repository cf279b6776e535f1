"""The two contexts of a migration, and an object as one of them has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omcore.errors import CorruptRecordError
from omcore.objects.keys import PREFIX, heads_prefix
from omcore.objects.names import STORES
from omcore.objects.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omcore.objects.codecs.base import Content
    from omcore.objects.registry import CodecRegistry
    from omcore.objects.shelf import Found
    from omcore.objects.versions import Head, HistoryEntry
    from omcore.signing import KeyRing
    from omcore.storage.backend import StorageBackend

_LAST = "~"
"""No character of a key is higher."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two contexts.

    Attributes:
        context: its name.
        storage: its storage.
        keys: what its versions are signed and verified with.
        codecs: the codecs that it has.
    """

    context: str
    storage: StorageBackend
    keys: KeyRing
    codecs: CodecRegistry

    def shelf(self, bucket: str, store: str) -> Shelf:
        """One store of one bucket."""
        return Shelf(self.storage, self.context, bucket, store)

    def buckets(self) -> list[str]:
        """The buckets in which something was ever stored; one read each."""
        found: list[str] = []
        while page := self.storage.find_records(PREFIX, after=self._after(found), limit=1, fields=["name"]):
            found.append(page[0].key.removeprefix(PREFIX).partition("/")[0])
        return found

    def shelves(self, bucket: str | None) -> Iterator[Shelf]:
        """Every store of a bucket, or of all buckets."""
        for name in self.buckets() if bucket is None else [bucket]:
            for store in STORES:
                yield self.shelf(name, store)

    @staticmethod
    def _after(found: list[str]) -> str | None:
        return f"{PREFIX}{found[-1]}/{_LAST}" if found else None


@dataclass(frozen=True, slots=True)
class Kept:
    """An object as one side has it, dropped or not.

    Attributes:
        found: its head.
        history: every move of its pointer, the oldest first.
        ids: the ids of its versions by their numbers.
        contents: what its versions hold, by their numbers.
    """

    found: Found
    history: tuple[HistoryEntry, ...]
    ids: Mapping[int, str]
    contents: Mapping[int, Content] = field(repr=False)

    @property
    def head(self) -> Head:
        """Its head."""
        return self.found.head

    @property
    def blobs(self) -> dict[str, int]:
        """The blobs of all its versions, and their bytes."""
        return {part.digest: part.size for content in self.contents.values() for part in content.parts}

    def missing_in(self, other: Kept | None) -> list[int]:
        """The numbers of the versions that it has more."""
        return [number for number in self.ids if other is None or number not in other.ids]


def names(shelf: Shelf) -> Iterator[str]:
    """The names of all objects of a store that ever were."""
    for record in shelf.storage.scan_records(heads_prefix(shelf.bucket, shelf.store), fields=["name"]):
        yield record.body["name"]


def kept(shelf: Shelf, name: str) -> Kept | None:
    """An object, its versions and history verified; `None` if nothing was ever stored under that name.

    Raises:
        CorruptRecordError: one of its records is not what was written.
    """
    found = shelf.find(name)
    if found is None:
        return None
    versions = [version for version in shelf.versions(name) if version.number <= found.head.latest]
    ids = {version.number: version.id for version in versions}
    if found.head.live and found.head.current not in ids:
        lost = f"the record of version {found.head.current} of {name!r} in {shelf}, the current one, is missing"
        raise CorruptRecordError(f"{lost}; roll back to another version or restore the storage from a backup")
    contents = {version.number: version.content for version in versions}
    return Kept(found, shelf.history(found.head), ids, contents)

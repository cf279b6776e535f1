"""The records of one store in one bucket: the only place that knows how heads and versions lie in the storage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from omcore.errors import CorruptRecordError
from omcore.objects import keys
from omcore.objects.sealing import unseal
from omcore.objects.versions import SCHEMA, Head, HistoryEntry, check_schema
from omcore.storage.backend import Put

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from omcore.objects.heads import Moved
    from omcore.objects.versions import Version
    from omcore.storage.backend import Body, Record, StorageBackend


@dataclass(frozen=True, slots=True)
class Found:
    """A head as it was when it was read.

    Attributes:
        head: the head; of a dropped object too.
        revision: the revision of its record.
    """

    head: Head
    revision: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the objects of one store in one bucket are.

    Attributes:
        storage: the context's storage.
        context: the context's name, for messages.
        bucket: the bucket's name.
        store: the store's name.
    """

    storage: StorageBackend
    context: str
    bucket: str
    store: str

    def __str__(self) -> str:
        return f"{self.store} of context {self.context!r}, bucket {self.bucket!r}"

    def find(self, name: str) -> Found | None:
        """The head of a name, also if it was dropped; `None` if nothing was ever stored there. One read.

        Raises:
            CorruptRecordError: the record is not the head of that name.
        """
        record = self.storage.get_record(keys.head_key(self.bucket, self.store, name))
        return None if record is None else self._found(record, name)

    def version(self, name: str, number: int) -> Version | None:
        """One version; `None` if there is none of that number. One read.

        Raises:
            CorruptRecordError: the record is not what was written.
        """
        record = self.storage.get_record(keys.version_key(self.bucket, self.store, name, number))
        return None if record is None else self._opened(record, name)

    def versions(self, name: str) -> Iterator[Version]:
        """Every version of a name, in the order of their numbers; as `version`."""
        for record in self.storage.scan_records(self.versions_prefix(name)):
            yield self._opened(record, name)

    def versions_prefix(self, name: str) -> str:
        """What the keys of all versions of a name begin with."""
        return keys.versions_prefix(self.bucket, self.store, name)

    def numbers(self, name: str) -> list[int]:
        """The numbers of the versions that there are."""
        prefix = self.versions_prefix(name)
        return [int(record.key.removeprefix(prefix)) for record in self.storage.scan_records(prefix, fields=["number"])]

    def names(self) -> Iterator[str]:
        """The names of all objects that are not dropped, in no order that means anything."""
        for record in self._heads(["name"]):
            yield record.body["name"]

    def heads(self) -> Iterator[Head]:
        """The heads of all objects that are not dropped, in no order that means anything."""
        for record in self._heads(None):
            yield Head.from_body(record.body)

    def history(self, head: Head) -> tuple[HistoryEntry, ...]:
        """Every move, the oldest first; raises as `older_moves`."""
        pages = reversed(tuple(self.older_moves(head)))
        return (*chain.from_iterable(pages), *head.history)

    def older_moves(self, head: Head) -> Iterator[tuple[HistoryEntry, ...]]:
        """The pages of moves that left the head, the latest page first.

        Raises:
            CorruptRecordError: a page is missing, or is not one.
        """
        for page in reversed(range(head.pages)):
            yield self._page(head.name, page)

    def changes(self, moved: Moved, revision: str | None) -> list[Put]:
        """What to commit so that a head moves, if its record is still at `revision`."""
        head = moved.head
        page = head.pages - 1
        place = (self.bucket, self.store, head.name)
        spill = [Put(keys.history_key(*place, page), _page_body(moved), None)] if moved.spilled else []
        return [*spill, Put(keys.head_key(*place), head.to_body(), revision)]

    def _heads(self, fields: Collection[str] | None) -> Iterator[Record]:
        prefix = keys.heads_prefix(self.bucket, self.store)
        return self.storage.scan_records(prefix, where={"live": True}, fields=fields)

    def _found(self, record: Record, name: str) -> Found:
        head = Head.from_body(record.body)
        if (head.store, head.name) != (self.store, name):
            raise self._misplaced(record.key, name)
        return Found(head, record.revision)

    def _opened(self, record: Record, name: str) -> Version:
        version = unseal(record.body)
        expected = keys.version_key(self.bucket, self.store, name, version.number)
        if (version.store, version.name, record.key) != (self.store, name, expected):
            raise self._misplaced(record.key, name)
        return version

    def _page(self, name: str, page: int) -> tuple[HistoryEntry, ...]:
        key = keys.history_key(self.bucket, self.store, name, page)
        record = self.storage.get_record(key)
        if record is None:
            lost = f"page {page} of the history of {name!r} in {self} is missing"
            raise CorruptRecordError(f"{lost}; restore the storage from a backup")
        check_schema(record.body)
        try:
            return tuple(HistoryEntry(**entry) for entry in record.body["history"])
        except (KeyError, TypeError) as error:
            raise self._misplaced(key, name) from error

    def _misplaced(self, key: str, name: str) -> CorruptRecordError:
        wrong = f"the record {key!r} is not one of {name!r} in {self}"
        return CorruptRecordError(f"{wrong}; restore the storage from a backup")


def _page_body(moved: Moved) -> Body:
    return {"schema_version": SCHEMA, "name": moved.head.name, "history": [entry.to_body() for entry in moved.spilled]}

"""What reads from a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from omcore.errors import BlobNotFoundError, CorruptRecordError, InvalidArgumentError, VersionNotFoundError
from omcore.objects.base import StoreBase, number_in
from omcore.objects.codecs.base import Query
from omcore.objects.lazy import LazyObject
from omcore.objects.metadata import Metadata
from omcore.objects.missing import check_known, no_object
from omcore.objects.names import check_name
from omcore.objects.parted import PartedObject
from omcore.objects.queries import make_query, matcher
from omcore.objects.references import Pin, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from omcore.objects.codecs.base import Content
    from omcore.objects.filters import Filter
    from omcore.objects.shelf import Found
    from omcore.objects.versions import HistoryEntry, Version

Names: TypeAlias = list[str]
Descriptions: TypeAlias = list[Metadata]
Moves: TypeAlias = "list[HistoryEntry]"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A reference pinned to a version, with what the head said about that version.

    Attributes:
        pin: the version.
        kind: its kind.
        attributes: its attributes.
    """

    pin: Pin
    kind: str
    attributes: Mapping[str, Any]


class ReadingStore(StoreBase):
    """Reads objects, and what is said about them."""

    # --- values

    def get(
        self,
        name: str | Reference,
        version: int | str | None = None,
        *,
        columns: Iterable[str] | None = None,
        filter: Mapping[str, Any] | Filter | None = None,  # noqa: A002 - the word that users know
        **filters: Any,
    ) -> Any:
        """Read an object back as it was stored.

        Args:
            name: a name or a reference: `sales`, `sales@3`, `sales@champion`, `sales[x,y]@3`.
            version: a number or an alias; the current version if neither this nor the reference names one.
            columns: only these columns, in this order, instead of naming them in the reference.
            filter: only the rows that fulfil this: `{"x__gt": 5}`, or what `where(...)` makes.
            filters: the same as keywords: `x__gt=5`. A column that is called `name`, `version`, `columns` or `filter`
                needs its operator (`version__eq=5`) or goes into `filter`.

        Raises:
            ObjectNotFoundError: there is no such object, or (`VersionNotFoundError`) no such version of it.
            ColumnNotFoundError: there is no such column.
            InvalidFilterError: a filter makes no sense, or does not fit the object.
            UntrustedError: the context's rules do not let the object be loaded.
        """
        reference = self._reference(name, version)
        query = make_query(reference.columns, columns, filter, filters)
        found, opened = self._open(reference)
        try:
            return self._decode(opened, query)
        except BlobNotFoundError:
            again, reopened = self._open(reference)
            if again.revision == found.revision:
                raise
            return self._decode(reopened, query)

    def getl(
        self,
        name: str | Reference,
        version: int | str | None = None,
        *,
        columns: Iterable[str] | None = None,
        filter: Mapping[str, Any] | Filter | None = None,  # noqa: A002 - the word that users know
        **filters: Any,
    ) -> LazyObject:
        """Get hold of an object without loading it; arguments and errors as `get`."""
        reference = self._reference(name, version)
        query = make_query(reference.columns, columns, filter, filters)
        found, opened = self._open(reference)
        described = Metadata.of_version(opened, found.head, self._shelf)
        codec = self._codecs.for_kind(opened.kind)
        return LazyObject(described, query, opened.content, codec, self.storage, self._trust_in(opened))

    def load(self, pin: Pin, query: Query | None = None) -> Any:
        """Read a pinned version, also of an object that was dropped since. One read of a record.

        Args:
            pin: the version; its projection holds unless the query has one.
            query: what of it is asked for; `None` for all.

        Raises:
            VersionNotFoundError: the version is not there any more.
            CorruptRecordError: it is not the version that was pinned.
        """
        version = self.pinned_version(pin)
        asked = query or Query()
        return self._decode(version, asked if asked.columns else Query(pin.columns, asked.filter))

    def parted(self, pin: Pin, query: Query | None = None) -> PartedObject:
        """Get hold of a pinned version to read it piece by piece; one read of a record. Arguments, errors as `load`."""
        version = self.pinned_version(pin)
        asked = query or Query()
        codec = self._codecs.for_kind(version.kind)
        wanted = asked if asked.columns else Query(pin.columns, asked.filter)
        return PartedObject(version.content, wanted, codec, self.storage, self._trust_in(version))

    def parted_content(self, content: Content) -> PartedObject:
        """The same of content that is in no version yet; it is read as if nobody had signed it."""
        codec = self._codecs.for_kind(content.kind)
        return PartedObject(content, Query(), codec, self.storage, self._trust.for_version(False))

    def pinned_version(self, pin: Pin) -> Version:
        """The record of a pinned version, verified; errors as `load`. One read, or none if it was read before."""
        if pin.store != self.store:
            raise InvalidArgumentError(f"{pin} is not in {self._shelf}; ask om.{pin.store} for it")
        found: Version = self._read.get((pin.name, pin.id), lambda: (self._pinned(pin), 1))
        return found

    def _pinned(self, pin: Pin) -> Version:
        version = self._shelf.version(pin.name, pin.version)
        if version is None:
            raise VersionNotFoundError(f"{pin} in {self._shelf} is not there any more; pin the version that is current")
        if version.id != pin.id:
            raise CorruptRecordError(f"{pin} in {self._shelf} is not the version that was pinned; pin it again")
        return version

    # --- what there is

    def list(self, pattern: str | None = None) -> Names:
        """The names of the objects, in order.

        Args:
            pattern: only names that match it: `*` for any characters, `?` for one, `[ab]` for one of these.
        """
        matches = matcher(pattern)
        return sorted(name for name in self._shelf.names() if matches(name))

    def describe(self, pattern: str | None = None) -> Descriptions:
        """The metadata of the current versions of the objects, in the order of their names; as `list`."""
        matches = matcher(pattern)
        heads = sorted((head for head in self._shelf.heads() if matches(head.name)), key=lambda head: head.name)
        return [Metadata.of_head(head, self._shelf) for head in heads]

    def exists(self, name: str | Reference, version: int | str | None = None) -> bool:
        """Whether there is such an object, in that version or under that alias; a projection is not looked at."""
        reference = self._reference(name, version)
        found = self._shelf.find(reference.name)
        if found is None or not found.head.live:
            return False
        number = number_in(found.head, reference.version)
        return number is not None and (
            number == found.head.current or self._shelf.version(reference.name, number) is not None
        )

    def metadata(self, name: str | Reference, version: int | str | None = None) -> Metadata:
        """Describe an object or a version of it. One read, where it is the current one.

        Raises:
            ObjectNotFoundError: there is no such object, or (`VersionNotFoundError`) no such version of it.
        """
        reference = self._reference(name, version)
        found = self._live(reference.name)
        number = self._number(found, reference.version)
        if number == found.head.current:
            return Metadata.of_head(found.head, self._shelf)
        return Metadata.of_version(self._version(found, number), found.head, self._shelf)

    def versions(self, name: str) -> Descriptions:
        """Describe every version of an object, the oldest first.

        Raises:
            ObjectNotFoundError: there is no such object.
        """
        head = self._live(check_name(name)).head
        return [Metadata.of_version(version, head, self._shelf) for version in self._shelf.versions(head.name)]

    def history(self, name: str) -> Moves:
        """Every move of an object's pointer, the oldest first; also of an object that was dropped.

        Raises:
            ObjectNotFoundError: nothing was ever stored under that name.
        """
        found = self._shelf.find(check_name(name))
        if found is None:
            raise no_object(self._shelf, name)
        return list_of(self._shelf.history(found.head))

    # --- for tasks

    def pin(self, name: str | Reference) -> Pinned:
        """Pin a reference to the version that it names now. One read, where that is the current one.

        Raises:
            ObjectNotFoundError: there is no such object, or (`VersionNotFoundError`) no such version of it.
            ColumnNotFoundError: the projection names a column that the version does not have.
        """
        reference = self._reference(name)
        found = self._live(reference.name)
        head = found.head
        number = self._number(found, reference.version)
        if number == head.current:
            check_known(reference.columns, head.schema, head.name)
            return Pinned(Pin(self.store, head.name, number, head.id, reference.columns), head.kind, head.attributes)
        version = self._version(found, number)
        check_known(reference.columns, version.content.schema, head.name)
        pin = Pin(self.store, head.name, number, version.id, reference.columns)
        return Pinned(pin, version.kind, version.attributes)

    def _open(self, reference: Reference) -> tuple[Found, Version]:
        """The head and the version that a reference names; two reads, or twice two if they do not fit together."""
        found = self._live(reference.name)
        try:
            return found, self._version(found, self._number(found, reference.version))
        except CorruptRecordError:
            again = self._live(reference.name)
            if again.revision == found.revision:
                raise
            return again, self._version(again, self._number(again, reference.version))


list_of = list
"""The builtin, for the class that has a method of its name."""

"""What every part of a store shares: its place, its codecs and keys, and how a reference becomes a version."""

from __future__ import annotations

import getpass
import os
import random
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, CorruptRecordError, InvalidArgumentError, InvalidReferenceError
from omcore.objects.codecs.rules import read_value
from omcore.objects.loaded import MOST, LoadedObjects
from omcore.objects.missing import no_object, no_version
from omcore.objects.names import check_bucket, check_store
from omcore.objects.parts import BlobSource
from omcore.objects.references import Reference, parse_reference
from omcore.objects.sealing import signed
from omcore.objects.shelf import Found, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from omcore.objects.codecs.base import Query, Trust
    from omcore.objects.events import StoreEvents
    from omcore.objects.registry import CodecRegistry
    from omcore.objects.trust import TrustRules
    from omcore.objects.versions import Head, Version
    from omcore.signing import KeyRing
    from omcore.storage.backend import StorageBackend

    T = TypeVar("T")

MOST_ATTEMPTS = 200
"""How often a change is tried when others change the same object at the same time; one of them wins each time."""

LONGEST_PAUSE = 0.1
"""Seconds between two of these attempts."""


class StoreBase:
    """One store of one bucket, before it can do anything. Threads share it freely.

    It remembers the current versions that it has read: by their id, which is the digest of all that they say.
    """

    def __init__(
        self,
        store: str,
        bucket: str,
        context: str,
        storage: StorageBackend,
        codecs: CodecRegistry,
        keys: KeyRing,
        events: StoreEvents,
        trust: TrustRules,
        author: str = "",
    ) -> None:
        """Open a store; nothing is read.

        Args:
            store: `datasets`, `models`, `jobs` or `scripts`.
            bucket: the bucket's name.
            context: the context's name.
            storage: the context's storage.
            codecs: which codec takes and reads what.
            keys: what versions are signed and verified with.
            events: whom the store asks before a put and tells what happened.
            trust: what may be loaded.
            author: whom versions and moves are by; the user and the machine where it is empty.
        """
        self._shelf = Shelf(storage, context, check_bucket(bucket), check_store(store))
        self._codecs = codecs
        self._keys = keys
        self._events = events
        self._trust = trust
        self._author = author or user_at_host()
        self._read = LoadedObjects(MOST)

    @property
    def store(self) -> str:
        """The store's name."""
        return self._shelf.store

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._shelf.bucket

    @property
    def context(self) -> str:
        """The context's name."""
        return self._shelf.context

    @property
    def storage(self) -> StorageBackend:
        """The context's storage."""
        return self._shelf.storage

    @property
    def codecs(self) -> CodecRegistry:
        """The codecs that the store uses."""
        return self._codecs

    def vouches_for(self, version: Version) -> bool:
        """Whether a key that this context accepts has signed the version."""
        return signed(version, self._keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shelf}>"

    # --- from text to a version

    def _reference(self, name: str | Reference, version: int | str | None = None) -> Reference:
        """Read a reference that must be one of this store; `version` as if it had been part of it."""
        reference = parse_reference(name)
        asked = (reference.context, reference.bucket, reference.store)
        if any(asked) and asked != (self.context, self.bucket, self.store):
            mend = "open that context with om.setup(context=...), its bucket with om[...], and ask the store there"
            raise InvalidReferenceError(f"{str(reference)!r} is not in {self._shelf}; {mend}")
        if version is None:
            return reference
        if reference.version is not None:
            raise InvalidArgumentError(f"{str(reference)!r} names a version and version={version!r} another; give one")
        return Reference(reference.name, version, reference.columns)

    def _live(self, name: str) -> Found:
        """The head of an object that is not dropped; one read.

        Raises:
            ObjectNotFoundError: there is none.
        """
        found = self._shelf.find(name)
        if found is None or not found.head.live:
            raise no_object(self._shelf, name, found)
        return found

    def _number(self, found: Found, version: int | str | None) -> int:
        """The number that a version, an alias, or nothing stands for.

        Raises:
            VersionNotFoundError: there is no such alias, or no such number was ever given.
        """
        number = number_in(found.head, version)
        if number is None:
            raise no_version(self._shelf, found.head, version or 0)
        return number

    def _version(self, found: Found, number: int) -> Version:
        """One version of an object; one read, or none for a current one that was read before.

        Raises:
            VersionNotFoundError: it is not there.
            CorruptRecordError: it was altered, or the head points at it and it is not there.
        """
        if number == found.head.current:
            current: Version = self._read.get((found.head.name, found.head.id), lambda: self._current(found.head))
            return current
        version = self._shelf.version(found.head.name, number)
        if version is None:
            raise no_version(self._shelf, found.head, number)
        return version

    def _current(self, head: Head) -> tuple[Version, int]:
        """The version that is current, and as how much it counts while it is remembered."""
        which = f"version {head.current} of {head.name!r} in {self._shelf}, the current one,"
        version = None if head.current is None else self._shelf.version(head.name, head.current)
        if version is None:
            lost = f"the record of {which} is missing"
            raise CorruptRecordError(f"{lost}; roll back to another version or restore the storage from a backup")
        if version.id != head.id:
            raise CorruptRecordError(f"{which} is not the one that was published; restore the storage from a backup")
        return version, 1

    # --- from a version to a value

    def _decode(self, version: Version, query: Query) -> Any:
        codec = self._codecs.for_kind(version.kind)
        return read_value(codec, version.content, BlobSource(self.storage), query, self._trust_in(version))

    def _trust_in(self, version: Version) -> Trust:
        return self._trust.for_version(self.vouches_for(version))


def number_in(head: Head, version: int | str | None) -> int | None:
    """The number that a version, an alias, or nothing stands for; `None` where it stands for none."""
    number = head.aliases.get(version) if isinstance(version, str) else version or head.current
    return None if number is None or number > head.latest else number


def settle(attempt: Callable[[], T]) -> T:
    """Repeat what lost a compare-and-set to someone else until it wins.

    Raises:
        ConflictError: it lost `MOST_ATTEMPTS` times.
    """
    for losses in range(MOST_ATTEMPTS - 1):
        try:
            return attempt()
        except ConflictError:
            longest = min(LONGEST_PAUSE, 0.001 * 2 ** min(losses, 10))
            time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret, only not in step with the others
    return attempt()


def user_at_host() -> str:
    """Who runs this process, and where: `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user often has no name
        user = f"uid{os.getuid()}" if sys.platform != "win32" else "unknown"
    return f"{user}@{socket.gethostname()}"

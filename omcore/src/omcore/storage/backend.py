"""The storage contract: immutable blobs named by their digest, and small JSON records with a revision.

A storage knows bytes and records; it knows nothing of objects, frames or models. To write one, subclass
[StorageBackend][omcore.storage.backend.StorageBackend], implement its abstract methods, and let the conformance kit in
`omcore.testing.storage` tell you what is missing. Everything a storage's own library raises is translated, at the
boundary, into the errors of `omcore.errors`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from pydantic import BaseModel

T = TypeVar("T")

API_VERSION = 1
"""The version of this contract; a backend states the one it was written for as a literal."""

CHUNK_SIZE = 1 << 20
"""Bytes covered by one chunk digest: what a ranged read verifies at a time."""

PAGE = 1000
"""Records that are read at a time."""

REFERENCES_FIELD = "blobs"
"""The field of a record's body that lists the digests the record needs; garbage collection keeps those blobs."""

Body: TypeAlias = dict[str, Any]
"""The body of a record: a JSON object.

Integers fit 64 bits, floats are finite, strings can be encoded in UTF-8 and hold no NUL; the names of top-level fields
match `[A-Za-z_][A-Za-z0-9_]*`; it is nested at most 100 deep; encoded it has at most `LARGEST_BODY` bytes.
"""

LARGEST_BODY = 2 << 20
"""Bytes of an encoded body above which a record is refused."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a context lives on this machine.

    Attributes:
        context: the context's name.
        home: a folder that belongs to the context alone, for local data and caches; it may not exist yet.
    """

    context: str
    home: Path


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob that is whole and durable.

    Attributes:
        digest: BLAKE3 of the content, 256 bits, 64 lower-case hexadecimal digits.
        size: length of the content in bytes.
    """

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was when it was read.

    Attributes:
        key: 1 to 512 printable ASCII characters; keys are ordered by code point.
        body: the JSON object.
        revision: an opaque token that changes at every write and never comes back, not even after a delete.
    """

    key: str
    body: Body
    revision: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write a record, if it is still at revision `expected` (`None`: if there is no such record)."""

    key: str
    body: Body
    expected: str | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record, if it is still at revision `expected`."""

    key: str
    expected: str


Change: TypeAlias = Put | Delete


class StorageBackend(ABC):
    """One context's storage: blobs and records.

    An instance is shared between threads. It is not shared between processes by fork: a child that uses an inherited
    instance gets a connection of its own, made on first use.
    """

    api_version: ClassVar[int]
    """The literal `1`: the version of the contract that this backend was written for."""

    Options: ClassVar[type[BaseModel]]
    """What the configuration may say about this backend. Extra keys are forbidden; secrets are `SecretStr`."""

    remote: ClassVar[bool] = False
    """Its blobs are fetched over a network, so the core keeps copies of them on local disk."""

    @abstractmethod
    def __init__(self, options: Any, place: Place) -> None:
        """Open the storage for `place.context`, making it where it does not exist.

        Args:
            options: an instance of `Options`.
            place: whose storage it is, and a folder for local files.

        Raises:
            StorageUnavailableError: it cannot be reached or opened; within the backend's connect timeout.
        """

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the data is, without any secret, for people."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """A random id that the storage made when it was created and keeps inside.

        Equal for any two openings of the same data, from any machine and by any address.
        """

    # --- blobs

    @abstractmethod
    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        """Store the concatenation of `chunks` and say what it is called.

        The chunks are consumed once and never held together in memory, and the blob's name is known only after the
        last. When the call returns, the blob is whole and
        durable; before that it is visible to nobody, and if the call raises (or the iterable does) nothing is left
        but garbage that the backend itself clears away. Writing bytes that are already there renews the blob's age,
        and mends the blob if it was damaged.

        Raises:
            StorageFullError: no room is left.
            StorageError: anything else.
        """

    @abstractmethod
    def open_blob(self, digest: str) -> BinaryIO:
        """Open a blob for reading: seekable, ranged, never returning a byte that was not verified.

        A read touches and verifies only the chunks of `CHUNK_SIZE` bytes that it needs. A file (or its `raw` one) that
        has the digests it compares them with as its attribute `digests` spares a cache making them again.

        Raises:
            BlobNotFoundError: there is no such blob (also for text that is no digest); or, at a later read, it was
                deleted meanwhile and the engine cannot keep an open blob readable.
            CorruptBlobError: here or at a later read, if the bytes do not match.
        """

    @abstractmethod
    def has_blob(self, digest: str) -> bool:
        """Say whether the blob is there, and if it is, renew its age.

        So what a `True` says stays true for the grace period of garbage collection: a writer that skips a copy
        because the blob is there can still refer to it.
        """

    def have_blobs(self, digests: Collection[str]) -> frozenset[str]:
        """Which of these blobs are there, the age of each renewed; override where one round trip can ask for many."""
        return frozenset(digest for digest in digests if self.has_blob(digest))

    @abstractmethod
    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        """List the blobs whose age was last renewed before `older_than` (an aware datetime), in any order.

        Times are compared at the backend's resolution; in doubt a blob is younger.
        """

    @abstractmethod
    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        """Delete a blob if its age was still last renewed before `older_than`; say whether it was deleted.

        The check and the delete are one step: a writer that renews the age at the same time either keeps the blob or
        writes it anew. `False` also if there is no such blob.
        """

    def sweep(self, older_than: datetime) -> int:  # noqa: ARG002 - for backends whose interrupted writes leave traces
        """Clear what writes that never ended have left since before `older_than`; return the bytes."""
        return 0

    # --- records

    @abstractmethod
    def get_record(self, key: str) -> Record | None:
        """Read one record, as of the latest commit that returned before this call; `None` if there is none.

        Raises:
            InvalidArgumentError: it cannot be a key.
            CorruptRecordError: the record does not match its checksum.
        """

    def get_records(self, keys: Collection[str]) -> Mapping[str, Record]:
        """Read those of several records that exist; override where one round trip can ask for many."""
        found = ((key, self.get_record(key)) for key in keys)
        return {key: record for key, record in found if record is not None}

    @abstractmethod
    def find_records(
        self,
        prefix: str,
        where: Mapping[str, str | int | float | bool | None] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        """Read one page of the records whose key starts with `prefix`, in ascending order of key.

        Args:
            prefix: the beginning of the key; may be empty.
            where: top-level fields of the body and the exact value each must have (`None`: null or missing; a value
                never equals one of another JSON type, save that `1` equals `1.0`; a list never equals a member of it).
            after: only keys greater than this one: the last key of the page before.
            limit: the most that is returned, at least 1.
            fields: the top-level fields of the body to return, for a cheap listing; `None` for all. A record read
                with `fields` must not be written back, and is not verified.
        """

    @abstractmethod
    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """Make all the changes, or none of them, durably.

        A reader never sees a later change of the list without the earlier ones, so list what is pointed at before
        what points at it.

        Args:
            changes: at most one change a key.

        Returns:
            The new revision of every key that was put.

        Raises:
            ConflictError: a record was not at its expected revision; nothing was changed.
            StorageFullError: no room is left; nothing was changed.
            InvalidArgumentError: a key, a body or the list breaks the rules above; nothing was changed.
            StorageUnavailableError: the storage cannot be reached. The backend tried to find out whether the changes
                were made and could not: read the records and compare.
        """

    def put_record(self, key: str, body: Body, expected: str | None) -> str:
        """Write one record by compare-and-set and return its new revision; see `commit`."""
        return self.commit([Put(key, body, expected)])[key]

    def delete_record(self, key: str, expected: str) -> None:
        """Remove one record by compare-and-set; see `commit`."""
        self.commit([Delete(key, expected)])

    def scan_records(
        self,
        prefix: str,
        where: Mapping[str, str | int | float | bool | None] | None = None,
        fields: Collection[str] | None = None,
    ) -> Iterator[Record]:
        """All the records that `find_records` would page through, one by one."""
        after: str | None = None
        while True:
            page = self.find_records(prefix, where, after, PAGE, fields)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].key

    # --- beyond blobs and records

    def native(self, kind: type[T]) -> T | None:  # noqa: ARG002 - for backends that offer something
        """What this storage offers of a class of its own, for codecs that were made for it; `None` for nothing.

        A storage that wraps another one hands the question on.

        Args:
            kind: the class, defined by the plugin that brings both the storage and the codec.
        """
        return None

    # --- life

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; calling it twice is harmless, using the storage afterwards is an error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@runtime_checkable
class SupportsLocalPath(Protocol):
    """A storage whose blobs are files on this machine, so that a reader can map one into memory."""

    def local_path(self, digest: str) -> Path:
        """The blob's file, its whole content verified when this returns; never to be written to.

        Raises:
            BlobNotFoundError: there is no such blob.
            CorruptBlobError: the bytes do not match.
        """
        ...


@runtime_checkable
class SupportsKey(Protocol):
    """A storage that only this machine's user can reach, and that keeps a key for who opens it."""

    def signing_secret(self) -> bytes:
        """The secret that signs this storage's versions and tasks; made on first use, then always the same."""
        ...


@runtime_checkable
class SupportsSharing(Protocol):
    """A storage whose bytes may be those of another storage too, so that a blob goes from one to the other for free."""

    def share_blobs(self, digests: Collection[str], other: StorageBackend) -> frozenset[str]:
        """Have those of these blobs that `other` has and whose bytes lie where this storage's lie; nothing is copied.

        Returns:
            Which of the blobs are here now, those that were here before among them; the age of each is renewed.
        """
        ...


@runtime_checkable
class SupportsWatch(Protocol):
    """A storage that can wake a waiter when a record changes."""

    def wait_for_change(self, prefix: str, timeout: float) -> bool:
        """Wait until a record under `prefix` may have changed, or `timeout` seconds passed; say which.

        What changed before the call need not be noticed: look at the records between two waits, and let none be long.
        """
        ...

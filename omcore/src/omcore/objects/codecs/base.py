"""The codec contract: one kind of Python object to parts and back.

A codec knows its library (pandas, numpy, scikit-learn); it knows nothing of stores, names or databases. It writes
parts into a sink, and reads them from a source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from omcore.objects.filters import Filter

T = TypeVar("T")

API_VERSION = 1
"""The version of this contract; a codec states the one it was written for as a literal."""


@dataclass(frozen=True, slots=True)
class CodecEntry:
    """Names a codec without importing it.

    Attributes:
        kind: the kind it writes and reads, for example `pandas.dataframe`.
        target: where its class is: `package.module:Class`.
        types: full names (`module.qualname`) of the classes it takes; an object fits when its class or any base class
            has such a name, and the nearest class wins.
        stores: the stores whose `put` may choose it.
    """

    kind: str
    target: str
    types: tuple[str, ...]
    stores: frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of content that is stored as one blob.

    Attributes:
        digest: the blob's digest.
        size: bytes.
        name: what the piece is, within the content; may be empty.
        rows: how many rows it holds, where it holds rows.
        statistics: small JSON facts that let a reader skip the part, for example column minima and maxima.
    """

    digest: str
    size: int
    name: str = ""
    rows: int | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """What a codec wrote, and all it needs to read it back.

    Attributes:
        kind: the codec's kind.
        parts: in order.
        schema: a description for people and policies, as JSON; for a dataset `{"columns": {name: type}}` at least.
        details: what the codec itself needs, as JSON; small.
        rows: the number of rows, where there are rows.
    """

    kind: str
    parts: tuple[Part, ...]
    schema: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None

    @property
    def size(self) -> int:
        """Bytes of all the parts together."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Query:
    """What of the content is asked for.

    Attributes:
        columns: only these columns, in this order; `None` for all.
        filter: only the rows that fulfil this; `None` for all.
    """

    columns: tuple[str, ...] | None = None
    filter: Filter | None = None

    def __bool__(self) -> bool:
        return self.columns is not None or self.filter is not None


@dataclass(frozen=True, slots=True)
class Trust:
    """What the reader allows a codec to load.

    Attributes:
        signed: the version record carries a valid signature by a key that the reader lists.
        types: full names of types that the reader allows beyond the built-in lists.
        sentence: how to allow what is refused, for the end of an error; names the context's file.
    """

    signed: bool = False
    types: frozenset[str] = frozenset()
    sentence: str = ""


class Sink(Protocol):
    """Where a codec writes parts."""

    def add(
        self,
        chunks: Iterable[bytes | bytearray | memoryview],
        *,
        name: str = "",
        rows: int | None = None,
        statistics: Mapping[str, Any] | None = None,
    ) -> Part:
        """Store one part, streamed, and say what it became."""
        ...


class Source(Protocol):
    """Where a codec reads parts. Every byte it gives was verified."""

    def open(self, part: Part) -> BinaryIO:
        """Open a part: seekable, ranged."""
        ...

    def path(self, part: Part, *, whole: bool = True) -> Path | None:
        """The part as a local file to map into memory; `None` where there is none, so that it is to be opened.

        The file may be a copy that makes room for others. Who has it open reads on, but it may be gone before that
        (`FileNotFoundError`): then too the part is to be opened, as `omcore.objects.codecs.reading.from_file` does.

        Args:
            part: the part.
            whole: all of it is going to be read; else a part that is far away is not fetched for this.
        """
        ...


@runtime_checkable
class SupportsNative(Protocol):
    """A sink or a source that passes on what the storage behind it offers beyond blobs."""

    def native(self, kind: type[T]) -> T | None:
        """What the storage offers of this class; `None` for nothing."""
        ...


def native(place: Sink | Source, kind: type[T]) -> T | None:
    """What the storage behind a sink or a source offers of a class, for a codec that was made for that storage.

    `None` where it offers nothing of the kind, and where there is no storage: a value inside a task lies in none.

    Args:
        place: what the codec was given.
        kind: a class that the storage's plugin defines; see `StorageBackend.native`.
    """
    return place.native(kind) if isinstance(place, SupportsNative) else None


class Codec(ABC):
    """Writes and reads one kind. Has no state: one instance serves all threads."""

    api_version: ClassVar[int]
    """The literal `1`: the version of the contract that this codec was written for."""

    kind: ClassVar[str]
    """The kind it writes and reads."""

    plain: ClassVar[bool]
    """Reading runs no code, whatever the bytes say; only a plain kind may travel in a task."""

    def takes(self, value: Any) -> bool:  # noqa: ARG002 - the default answers for every value of the listed types
        """Say whether this value can be kept exactly; asked only for objects of the entry's types."""
        return True

    @abstractmethod
    def encode(self, value: Any, sink: Sink) -> Content:
        """Write the value.

        Raises:
            UnsupportedTypeError: the value cannot be kept exactly; says which part of it and why.
        """

    @abstractmethod
    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        """Read the value back, as it was.

        Raises:
            InvalidFilterError: the kind has no rows to filter, or the filter does not fit.
            ColumnNotFoundError: the projection names a column that is not there.
            UntrustedError: the reader's trust rules do not allow it.
        """


@runtime_checkable
class SupportsAppend(Protocol):
    """A codec that can add rows to content and share what is there."""

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        """Write only what is new, and return content that shares the parts before it.

        Args:
            content: what is there.
            value: the rows to add.
            sink: where new parts go.
            source: where the parts of `content` are read from, for what must be compared or put together anew.

        Raises:
            UnsupportedTypeError: the value does not fit the content's schema; says which column and how.
        """
        ...


@runtime_checkable
class SupportsBatches(Protocol):
    """A codec that can read content a piece at a time, in bounded memory."""

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:
        """Read the parts one after the other, each as a value of the kind."""
        ...


@runtime_checkable
class SupportsParts(Protocol):
    """A codec whose content is made of pieces with rows of their own: each is read alone, and pieces become a whole.

    What is read piece by piece and put together again is equal to what is read at once.
    """

    def part_rows(self, content: Content) -> Sequence[int]:
        """How many rows each piece holds, in order; nothing is read. What cannot be split is one piece."""
        ...

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:
        """As `Codec.decode`, of the rows of some pieces that follow each other, and nothing else is opened.

        Args:
            content: the whole.
            source: where its parts are.
            query: what is asked for; a projection and a filter mean what they mean for the whole.
            trust: what the reader allows.
            parts: which pieces: `slice(i, j)`. Their rows keep the labels that they have in the whole.
        """
        ...

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:
        """Content that is as if the rows of these had been written at once; it shares their parts.

        Args:
            contents: of this kind, in order, at least one; one without rows counts for nothing beside others.
            sink: where parts go that cannot be shared.
            source: where the parts are read from that must be looked at.

        Raises:
            UnsupportedTypeError: they do not fit together; says what differs, and where.
        """
        ...


@runtime_checkable
class SupportsTransfer(Protocol):
    """A codec whose content is not in its parts alone: to copy them does not bring it to another storage."""

    def transfer(self, content: Content, source: Source, sink: Sink, *, dry_run: bool) -> None:
        """Bring what is in no part to another storage, so that the same content can be read there.

        Args:
            content: what is to be brought; its parts are in the other storage already, unless this is a dry run.
            source: where it is.
            sink: where it is to go.
            dry_run: only say whether it could.

        Raises:
            UnsupportedTypeError: it cannot be there; says why, and what can be done instead.
        """
        ...

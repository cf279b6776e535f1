"""An object in hand that is not loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.rules import read_batches, read_value
from omcore.objects.filters import combine, compile_filter
from omcore.objects.missing import check_known
from omcore.objects.parts import BlobSource
from omcore.objects.references import check_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from omcore.objects.codecs.base import Codec, Content, Trust
    from omcore.objects.filters import Filter
    from omcore.objects.metadata import Metadata
    from omcore.storage.backend import StorageBackend


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LazyObject:
    """One version of an object, and what of it is wanted; nothing is loaded until that is asked for.

    It stays at its version whatever the name points at later. `lazy[columns]` and `lazy.filter(...)` make a new one:

        lazy = om.datasets.getl("sales")
        lazy[["x", "y"]].filter(x__gt=5).get()

    Attributes:
        metadata: what is known of the version.
        query: what of it is wanted.
    """

    metadata: Metadata
    query: Query
    _content: Content
    _codec: Codec
    _storage: StorageBackend
    _trust: Trust

    def get(self) -> Any:
        """Load what is wanted."""
        return read_value(self._codec, self._content, BlobSource(self._storage), self.query, self._trust)

    def batches(self) -> Iterator[Any]:
        """Load what is wanted a piece at a time, so that memory stays bounded where the kind allows it.

        A kind that cannot be read in pieces comes as one.
        """
        yield from read_batches(self._codec, self._content, BlobSource(self._storage), self.query, self._trust)

    def filter(
        self,
        filter: Mapping[str, Any] | Filter | None = None,  # noqa: A002 - the word that users know
        **filters: Any,
    ) -> LazyObject:
        """Only the rows that also fulfil this; as in `get`.

        Raises:
            InvalidFilterError: it makes no sense.
        """
        more = combine(compile_filter(filter), compile_filter(filters))
        return replace(self, query=Query(self.query.columns, combine(self.query.filter, more)))

    def __getitem__(self, columns: str | Iterable[str]) -> LazyObject:
        """Only these columns, in this order.

        Raises:
            ColumnNotFoundError: one of them is not among those that there are.
        """
        if not isinstance(columns, str | list | tuple):
            raise InvalidArgumentError(f"a projection is a column's name or a list of them, not {columns!r}")
        asked = check_columns(columns)
        known = self.metadata.schema if self.query.columns is None else {"columns": dict.fromkeys(self.query.columns)}
        check_known(asked, known, self.metadata.name)
        return replace(self, query=Query(asked, self.query.filter))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that are wanted; empty where there are none."""
        return self.metadata.columns if self.query.columns is None else self.query.columns

    @property
    def rows(self) -> int | None:
        """The rows of the version, where it has rows, whatever the filter is; nothing is loaded."""
        return self.metadata.rows

    def __len__(self) -> int:
        """The number of rows that are wanted; with a filter they are loaded to be counted, a piece at a time.

        Raises:
            TypeError: the object has no rows.
        """
        if self.rows is None:
            raise TypeError(f"{self.metadata!r} has no rows")
        return self.rows if self.query.filter is None else sum(len(batch) for batch in self.batches())

    def __bool__(self) -> bool:
        """True: an object is there, however many rows it has."""
        return True

    def __repr__(self) -> str:
        columns = "" if self.query.columns is None else f" [{', '.join(self.query.columns)}]"
        filtered = "" if self.query.filter is None else " filtered"
        return f"<lazy {self.metadata!r}{columns}{filtered}>"

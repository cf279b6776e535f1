"""Collections of the context's own server as datasets: a description is stored, and read is what is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo.collection import Collection

from omcore.errors import ColumnNotFoundError, InvalidArgumentError, InvalidFilterError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content, native
from omcore.objects.codecs.reading import detail
from omcore.objects.filters import columns_of
from omcore.objects.names import shown
from omcore.sentences import listed, near
from omstore_mongo.filters import checked_path, query_of
from omstore_mongo.liveframes import Live, frames
from omstore_mongo.native import OURS, CollectionName, NativeCollections

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from omcore.objects.codecs.base import Query, Sink, Source, Trust
    from omstore_mongo.connection import Document

_HIDDEN = frozenset({"admin", "config", "local"})
"""Databases that are the server's own."""


class CollectionCodec(Codec):
    """A collection that other programs fill. It is live: every read sees it as it is at that moment."""

    api_version = 1
    kind = "mongo.collection"
    plain = True

    def takes(self, value: Any) -> bool:
        return isinstance(value, Collection)

    def encode(self, value: Any, sink: Sink) -> Content:
        name = CollectionName(value.database.name, value.name)
        collections = native(sink, NativeCollections)
        if collections is None:
            there = "this context's storage is not, or the value is in no storage at all"
            mend = "store what find() returns instead, as a frame"
            raise UnsupportedTypeError(f"a collection can be a dataset where the storage is MongoDB: {there}; {mend}")
        _check_ours(collections, name)
        if not collections.is_reached_by(value.database.client):
            there = f"collection {str(name)!r} is on another server than the context's storage at {collections.address}"
            mend = "put it into a context of its own server, or store what find() returns as a frame"
            raise UnsupportedTypeError(f"{there}; {mend}")
        known = collections.names(name.database)
        if name.collection not in known:
            asked = f"there is no collection {name.collection!r} in database {name.database!r}"
            raise InvalidArgumentError(f"{asked}; {near(name.collection, known)}there are {listed(known)}")
        details = {"database": name.database, "collection": name.collection}
        return Content(self.kind, (), {"live": True, **details}, details)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        import pandas as pd

        found = list(self._frames(content, source, query, whole=True))
        return found[0] if found else pd.DataFrame()

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:  # noqa: ARG002 - plain
        """Read some documents at a time, each time as a frame with the columns that these documents have."""
        return self._frames(content, source, query, whole=False)

    def transfer(self, content: Content, source: Source, sink: Sink, *, dry_run: bool) -> None:  # noqa: ARG002 - nothing is copied
        """See `SupportsTransfer`: a description can go to wherever it means the same collection."""
        name, here, there = _name(content), native(source, NativeCollections), native(sink, NativeCollections)
        if here is None or there is None or here.server() is None or here.server() != there.server():
            what = f"the dataset is the live collection {str(name)!r}, which is not on the server of the target"
            raise UnsupportedTypeError(f"{what}; put what get() returns there, which is a snapshot")

    def _frames(self, content: Content, source: Source, query: Query, *, whole: bool) -> Iterator[pd.DataFrame]:
        collections = native(source, NativeCollections)
        if collections is None:
            mend = "open a context whose storage is on the server of the collection"
            raise UnsupportedTypeError(f"the dataset is a collection and this context's storage is not MongoDB; {mend}")
        name = _name(content)
        _check_ours(collections, name)
        live = Live(collections, name)
        _check_columns(live, query)
        wanted = None if query.filter is None else query_of(query.filter)
        return frames(live, query.columns, wanted, whole=whole)


def _name(content: Content) -> CollectionName:
    return CollectionName(detail(content, "database", str), detail(content, "collection", str))


def _check_ours(collections: NativeCollections, name: CollectionName) -> None:
    """Refuse what belongs to the server or to a storage.

    Raises:
        InvalidArgumentError: it does.
    """
    if name.database in _HIDDEN or name.collection.startswith(("system.", OURS)):
        mend = "give a collection that other programs keep their data in"
        raise InvalidArgumentError(
            f"collection {str(name)!r} belongs to the server or the storage at {collections.address}; {mend}"
        )


def _check_columns(live: Live, query: Query) -> None:
    """Accept a query whose columns are fields of at least one document, or any query of an empty collection.

    Raises:
        ColumnNotFoundError: a column is no field of any document.
        InvalidFilterError: a filter's column can be none.
    """
    filtered = frozenset() if query.filter is None else columns_of(query.filter)
    for column in {*(query.columns or ()), *filtered}:
        try:
            there: Document = {checked_path(column): {"$exists": True}}
        except InvalidFilterError as error:
            if column in filtered:
                raise
            raise ColumnNotFoundError(str(error)) from error
        if not live.has(there) and (fields := live.fields()):
            if column in fields:
                why = f"a field with a '.' in its name cannot be selected or filtered, and {shown(column)} is one"
                raise ColumnNotFoundError(f"{why} in collection {str(live.name)!r}; get it without naming columns")
            asked = f"no document of collection {str(live.name)!r} has a field {shown(column)}"
            raise ColumnNotFoundError(f"{asked}; {near(column, fields)}its first ones have {listed(fields)}")

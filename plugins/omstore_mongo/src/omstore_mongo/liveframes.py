"""Documents of any shape become frames: a field is a column, and what all its values are decides the dtype."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import bson
import numpy as np
import pandas as pd
from bson import Decimal128, Int64, ObjectId
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from omcore.errors import CorruptBlobError, StorageError
from omstore_mongo.pages import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omstore_mongo.connection import Document
    from omstore_mongo.native import CollectionName, NativeCollections

BATCH = 10_000
"""Documents of one frame, where they are read some at a time."""

FIRST = 20
"""Documents whose fields are told where one is asked for that is not there."""

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    uuid_representation=UuidRepresentation.STANDARD,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATES = "datetime64[ms, UTC]"


@dataclass(frozen=True, slots=True)
class Live:
    """One collection, to read.

    Attributes:
        collections: what reads it.
        name: which one it is.
    """

    collections: NativeCollections
    name: CollectionName

    def documents(self, query: Document | None, shown: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """The documents that fulfil a query, in the order of their ids."""
        for batch in self.collections.read(self.name, query, shown):
            for data in split(batch):
                yield self._decoded(data)

    def has(self, query: Document) -> bool:
        """Whether any document fulfils a query."""
        return self.collections.has(self.name, query)

    def fields(self) -> list[str]:
        """The fields of the first documents."""
        found = map(self._decoded, self.collections.first(self.name, FIRST))
        return list(dict.fromkeys(chain.from_iterable(found)))

    def check_there(self) -> None:
        """Accept a collection that is there.

        Raises:
            StorageError: it is not.
        """
        if not self.collections.is_there(self.name):
            mend = "restore it, or drop the dataset"
            raise StorageError(f"the dataset is the live collection {str(self.name)!r}, which is not there; {mend}")

    def _decoded(self, data: bytes) -> dict[str, Any]:
        try:
            return bson.decode(data, _OPTIONS)
        except BSONError as error:
            raise CorruptBlobError(f"a document of collection {self.name} cannot be read: {error}") from error


def frames(live: Live, columns: Sequence[str] | None, query: Document | None, *, whole: bool) -> Iterator[pd.DataFrame]:
    """The documents that fulfil a query, as one frame or as several.

    Args:
        live: the collection.
        columns: only these, in this order; `a.b` is the field `b` of the document in the field `a`.
        query: which documents; `None` for all. The fields of the first documents are columns even if these have none.
        whole: as one frame.

    Raises:
        StorageError: the collection is not there.
    """
    known = live.fields() if columns is None and query is not None else []
    shown = None if columns is None else _projection(columns)
    documents = live.documents(query, shown)
    start = 0
    while batch := list(islice(documents, None if whole else BATCH)):
        yield _frame(batch, columns, start, known)
        start += len(batch)
    if not start:
        live.check_there()
        yield _frame([], columns, 0, known)


def _projection(columns: Sequence[str]) -> dict[str, Any]:
    """What the server sends; it refuses a field beside a field of it, so that the outer one is enough.

    The ids come along: they say where to go on when the connection is lost.
    """
    wanted = set(columns)
    outer = {path for path in wanted if not any(path.startswith(f"{other}.") for other in wanted)}
    return {"_id": 1, **dict.fromkeys(sorted(outer - {"_id"}), 1)}


def _frame(
    documents: list[dict[str, Any]], columns: Sequence[str] | None, start: int, known: Sequence[str]
) -> pd.DataFrame:
    names = list(dict.fromkeys(chain(known, *documents))) if columns is None else list(columns)
    paths = [[name] if columns is None else name.split(".") for name in names]
    index = pd.RangeIndex(start, start + len(documents))
    series = [pd.Series(_column([_value(each, path) for each in documents]), index=index) for path in paths]
    frame = pd.DataFrame(dict(enumerate(series)), index=index)
    frame.columns = pd.Index(names)
    return frame


def _value(document: Any, path: list[str]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _column(values: list[Any]) -> Any:
    """The values as pandas keeps them: every value is what it was, and what was not there is missing."""
    values = [_python(value) for value in values]
    kinds = {type(value) for value in values if value is not None}
    missing = any(value is None for value in values)
    if kinds == {bool}:
        return pd.array(values, "boolean") if missing else np.array(values, bool)
    if kinds == {int}:
        return pd.array(values, "Int64") if missing else np.array(values, np.int64)
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if kinds == {datetime}:
        millis = [None if value is None else _millis(value) for value in values]
        ticks = np.array([np.iinfo(np.int64).min if each is None else each for each in millis], np.int64)
        return pd.DatetimeIndex(ticks.view("M8[ms]")).tz_localize("UTC").astype(_DATES)
    if kinds == {str}:
        return pd.Series(values, dtype=_text_dtype()).array
    return pd.Series(values, dtype=object).array


def _text_dtype() -> Any:
    """What pandas makes of text."""
    return pd.Series(["text"]).dtype


def _millis(value: datetime) -> int:
    return (value - _EPOCH) // (_EPOCH.resolution * 1000)


def _python(value: Any) -> Any:
    """A value as Python and pandas know it."""
    if isinstance(value, Int64):
        return int(value)
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, list):
        return [_python(item) for item in value]
    if isinstance(value, dict):
        return {name: _python(item) for name, item in value.items()}
    return value

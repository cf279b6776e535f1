"""Documents become a frame, or some of its rows and columns; the server chooses which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

import bson
import numpy as np
import pyarrow as pa
from blake3 import blake3
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from omcore.errors import CorruptBlobError
from omcore.objects.codecs.frames.axes import RangeAxis
from omcore.objects.codecs.frames.columntypes import flat
from omcore.objects.codecs.frames.container import UNREADABLE
from omcore.objects.codecs.frames.framereader import FrameReader
from omcore.objects.codecs.frames.rowreader import Piece
from omcore.objects.codecs.reading import detail, malformed
from omstore_mongo.cellforms import form_of
from omstore_mongo.forms import UnkeptError
from omstore_mongo.pages import split
from omstore_mongo.predicates import FieldPlace, Place, RangePlace, compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from omcore.objects.codecs.base import Content, Source
    from omcore.objects.codecs.frames.filtering import Predicate
    from omstore_mongo.native import CollectionName, NativeCollections

BLOCK = 10_000
"""Documents that share a digest."""

OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS, uuid_representation=UuidRepresentation.STANDARD
)
"""How documents are read: what is a date stays a number of milliseconds, however far away."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the details say of where the rows are.

    Attributes:
        identifier: the id of the collection.
        names: the name of each field of the frame in the documents: of its columns, then of the levels of its index.
        digests: the digest of each `BLOCK` documents, in order.
    """

    identifier: str
    names: tuple[str, ...]
    digests: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """As JSON."""
        return {"id": self.identifier, "names": list(self.names), "digests": list(self.digests)}

    @classmethod
    def read(cls, content: Content) -> Self:
        """Read what `describe` wrote.

        Raises:
            CorruptBlobError: it is no such thing.
        """
        told = detail(content, "documents", dict)
        try:
            kept = cls(str(told["id"]), tuple(map(str, told["names"])), tuple(map(str, told["digests"])))
        except (KeyError, TypeError) as error:
            raise malformed(content.kind, "it does not say where its documents are") from error
        if not bson.ObjectId.is_valid(kept.identifier):
            raise malformed(content.kind, "it does not say where its documents are")
        return kept


class DocumentReader(FrameReader):
    """Reads one frame from its collection."""

    def __init__(self, content: Content, source: Source, collections: NativeCollections) -> None:
        super().__init__(content, source)
        self._rows = content.rows or 0
        self._collections = collections
        self._kept = Kept.read(content)
        self._kind = content.kind
        types = self.layout.types
        if len(types) != len(self._kept.names):
            raise malformed(content.kind, f"{len(types)} fields have {len(self._kept.names)} names")
        try:
            self._forms = {field: form_of(kind) for field, kind in types.items()}
        except UnkeptError as error:
            raise malformed(content.kind, str(error)) from error
        self._names = dict(zip(types, self._kept.names, strict=True))

    @property
    def _collection(self) -> CollectionName:
        return self._collections.documents(self._kept.identifier)

    def pieces(self, stored: list[str], predicate: Predicate | None, whole: bool) -> Iterator[Piece]:  # noqa: ARG002 - blocks are small
        """See `FrameReader.pieces`: all of the rows are verified; of some of their fields, how many there are."""
        if predicate is not None:
            return self._chosen(stored, compiled(predicate, self._places()))
        if len(stored) < len(self._forms):
            return self._all(stored, self._blocks(self._collections.read(self._collection, {}, self._shown(stored))))
        return self._all(stored, self._verified())

    def _places(self) -> dict[str, Place]:
        index = self.layout.index
        rows: dict[str, Place] = {"i0": RangePlace(index.start, index.step)} if isinstance(index, RangeAxis) else {}
        return rows | {field: FieldPlace(self._names[field], form) for field, form in self._forms.items()}

    def _shown(self, stored: list[str]) -> dict[str, Any]:
        return {"_id": 1, **{self._names[field]: 1 for field in stored}}

    # --- rows

    def _chosen(self, stored: list[str], query: dict[str, Any]) -> Iterator[Piece]:
        found = False
        for documents in self._blocks(self._collections.read(self._collection, query, self._shown(stored))):
            try:
                rows = np.array([document["_id"] for document in documents], np.int64)
            except UNREADABLE as error:
                raise self._changed() from error
            yield Piece(self._table(stored, documents), rows)
            found = True
        if not found and not self._collections.is_kept(self._kept.identifier):
            raise self._changed()

    def _all(self, stored: list[str], blocks: Iterable[list[dict[str, Any]]]) -> Iterator[Piece]:
        start = 0
        for documents in blocks:
            if [document.get("_id") for document in documents] != [*range(start, start + len(documents))]:
                raise self._changed()
            yield Piece(self._table(stored, documents), slice(start, start + len(documents)))
            start += len(documents)
        if start != self._rows:
            raise self._changed()
        if not start:
            yield Piece(self._table(stored, []), slice(0, 0))

    def _verified(self) -> Iterator[list[dict[str, Any]]]:
        """All documents, each block as soon as its digest was found to be right."""
        known = iter(self._kept.digests)
        for block in self._raw_blocks(self._collections.read(self._collection)):
            if blake3(block).hexdigest() != next(known, None):
                raise self._changed()
            yield self._decoded(block)

    def _blocks(self, batches: Iterator[bytes]) -> Iterator[list[dict[str, Any]]]:
        return map(self._decoded, self._raw_blocks(batches))

    def _raw_blocks(self, batches: Iterator[bytes]) -> Iterator[bytes]:
        documents = chain.from_iterable(map(split, batches))
        while block := b"".join(islice(documents, BLOCK)):
            yield block

    def _decoded(self, block: bytes) -> list[dict[str, Any]]:
        try:
            return bson.decode_all(block, OPTIONS)
        except BSONError as error:
            raise self._changed() from error

    def _table(self, stored: list[str], documents: list[dict[str, Any]]) -> pa.Table:
        types = self.layout.types
        columns = {}
        for field in stored:
            values = [document.get(self._names[field]) for document in documents]
            try:
                array = flat(self._forms[field].read(values))
            except UNREADABLE as error:
                raise self._changed() from error
            if array.type != types[field].physical():
                raise malformed(self._kind, f"its field {self._names[field]!r} has type {array.type}")
            columns[field] = array
        return pa.table(columns)

    def _changed(self) -> CorruptBlobError:
        if not self._collections.is_kept(self._kept.identifier):
            mend = "restore it from a copy, or store the frame again"
            return CorruptBlobError(f"collection {self._collection}, which holds the documents, is not there; {mend}")
        where = f"the documents in collection {self._collection} are not those that were stored"
        return CorruptBlobError(f"{where}: another program has changed them; store them again, or restore them")

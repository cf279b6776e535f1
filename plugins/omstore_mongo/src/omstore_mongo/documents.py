"""Frames as documents, one for each row, that other programs can query."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import bson
import pandas as pd
from blake3 import blake3
from bson import ObjectId
from bson.errors import BSONError

from omcore.errors import InvalidArgumentError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content, native
from omcore.objects.codecs.exact_json import dump
from omcore.objects.codecs.frames.axes import study_axis, study_columns
from omcore.objects.codecs.frames.container import write_table
from omcore.objects.codecs.frames.framewriter import check_frame, schema_of, study
from omcore.objects.codecs.frames.layout import AXIS, DictionaryWriter, Layout, fields_of
from omcore.objects.codecs.frames.rows import slice_table
from omstore_mongo.cellforms import form_of, is_name
from omstore_mongo.documentreader import BLOCK, OPTIONS, DocumentReader, Kept
from omstore_mongo.forms import UnkeptError
from omstore_mongo.native import NativeCollections, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omcore.objects.codecs.base import Query, Sink, Source, Trust
    from omcore.objects.codecs.frames.axes import Axis
    from omcore.objects.codecs.frames.infer import Column

LARGEST = 16 << 20
"""Bytes that a document may have."""


class DocumentsCodec(Codec):
    """One document for each row, in a collection that is written once; a frame comes back as it was, or is refused."""

    api_version = 1
    kind = "mongo.documents"
    plain = True

    def takes(self, value: Any) -> bool:
        return type(value) is pd.DataFrame

    def encode(self, value: Any, sink: Sink) -> Content:
        check_frame(value)
        collections = _collections(sink)
        labels, label_columns = study_columns(value.columns)
        columns = study(value)
        index, levels = study_axis(value.index, "the index")
        attrs = dump(value.attrs, "attrs of the frame").decode() if value.attrs else ""
        types = tuple(column.type for column in columns)
        layout = Layout(labels, types, index, attrs, not value.flags.allows_duplicate_labels)
        names = _names(value, index)
        rows = _rows(names, fields_of(columns, levels), len(value))
        identifier = str(ObjectId())
        token = sink.add([token_of(identifier)], name="token.json")
        digests = _keep(collections, identifier, rows)
        writer = DictionaryWriter(sink)
        details = {**layout.describe(writer), "documents": Kept(identifier, tuple(names), digests).describe()}
        axis = _axis(label_columns, len(value.columns), sink)
        schema = {**schema_of(value.columns, layout), "collection": collections.documents(identifier).collection}
        return Content(self.kind, (token, *axis, *writer.parts), schema, details, len(value))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        return DocumentReader(content, source, _collections(source)).read(query)

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:  # noqa: ARG002 - plain
        """Read some rows at a time, each time as a frame."""
        return DocumentReader(content, source, _collections(source)).batches(query)

    def transfer(self, content: Content, source: Source, sink: Sink, *, dry_run: bool) -> None:
        """See `SupportsTransfer`: the documents go to the other database, under the same name."""
        target = native(sink, NativeCollections)
        if target is None:
            kept = "is kept as documents and can only go to a context whose storage is MongoDB"
            mend = "store it there as a frame: om_target.datasets.put(om.datasets.get(name), name)"
            raise UnsupportedTypeError(f"the dataset {kept}; {mend}")
        if not dry_run:
            target.bring(Kept.read(content).identifier, _collections(source))


def _collections(place: Sink | Source) -> NativeCollections:
    found = native(place, NativeCollections)
    if found is None:
        there = "this context's storage is not, or the value is in no storage at all"
        raise UnsupportedTypeError(f"documents need a context whose storage is MongoDB, and {there}; leave out kind")
    return found


def _keep(collections: NativeCollections, identifier: str, rows: Iterator[bytes]) -> tuple[str, ...]:
    digests = []

    def blocks() -> Iterator[Sequence[bytes]]:
        while block := list(islice(rows, BLOCK)):
            digests.append(blake3(b"".join(block)).hexdigest())
            yield block

    collections.keep(identifier, blocks())
    return tuple(digests)


def _names(frame: pd.DataFrame, index: Axis) -> list[str]:
    """The names of the fields: those of the columns, then those of the levels of the index.

    Raises:
        UnsupportedTypeError: other programs could not ask for one of them, or two are the same.
    """
    several = len(index.levels) > 1
    levels = [
        (f"level_{number}" if several else "index") if level.label is None else str(level.label)
        for number, level in enumerate(index.levels)
    ]
    names = [str(label) for label in frame.columns] + levels
    for name in names:
        if not is_name(name) or name == "_id":
            rule = (
                "a field of a document is not called _id, is not empty, begins with no $ and holds neither '.' nor NUL"
            )
            raise UnsupportedTypeError(f"column {name!r} cannot be kept in documents: {rule}; rename it first")
        if names.count(name) > 1:
            message = (
                f"column {name!r} cannot be kept in documents: there are two of that name, or a level of the index"
            )
            raise UnsupportedTypeError(f"{message} has it too; rename one of them first")
    return names


def _rows(names: Sequence[str], fields: Mapping[str, Column], count: int) -> Iterator[bytes]:
    """The documents, as BSON, in order; a column that cannot be kept is refused before the first.

    Raises:
        UnsupportedTypeError: something cannot be kept exactly; names the column.
    """
    forms = []
    for name, column in zip(names, fields.values(), strict=True):
        try:
            forms.append(form_of(column.type))
        except UnkeptError as error:
            raise _unkept(name, error) from error

    def documents() -> Iterator[bytes]:
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            table = slice_table(fields, start, stop)
            values = []
            for number, (name, form) in enumerate(zip(names, forms, strict=True)):
                try:
                    values.append(form.write(table.column(number)))
                except UnkeptError as error:
                    raise _unkept(name, error) from error
            rows = zip(*values, strict=True) if values else ((),) * (stop - start)
            for row, cells in enumerate(rows, start):
                yield _encoded({"_id": row, **dict(zip(names, cells, strict=True))})

    return documents()


def _encoded(document: dict[str, Any]) -> bytes:
    row = document["_id"]
    try:
        data = bson.encode(document, codec_options=OPTIONS)
    except (BSONError, OverflowError) as error:
        raise UnsupportedTypeError(f"row {row} cannot be kept as a document ({error}); change it first") from error
    if len(data) > LARGEST:
        mend = "store it as a frame, without kind"
        raise InvalidArgumentError(f"row {row} has {len(data)} bytes, and a document has at most {LARGEST}; {mend}")
    return data


def _unkept(name: str, error: UnkeptError) -> UnsupportedTypeError:
    return UnsupportedTypeError(f"column {name!r} cannot be kept in documents: {error}")


def _axis(label_columns: list[Column], count: int, sink: Sink) -> list[Any]:
    if not label_columns:
        return []
    return [write_table(slice_table(fields_of([], label_columns), 0, count), sink, AXIS)]

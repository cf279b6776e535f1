"""Parts become a frame, or some of its rows and columns, all at once or a piece at a time."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.frames.assembly import make_frame
from omcore.objects.codecs.frames.block import BLOCK, block_table, read_block
from omcore.objects.codecs.frames.columntypes import NumpyType
from omcore.objects.codecs.frames.composed import values_of
from omcore.objects.codecs.frames.container import OpenPart, open_part, read_table
from omcore.objects.codecs.frames.filtering import fit
from omcore.objects.codecs.frames.layout import AXIS, Layout, row_parts
from omcore.objects.codecs.frames.selection import Names
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from omcore.objects.codecs.base import Content, Part, Query, Source
    from omcore.objects.codecs.frames.container import Group
    from omcore.objects.codecs.frames.filtering import Predicate

    Rows = slice | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows.

    Attributes:
        table: their fields.
        rows: which rows of the content they are.
    """

    table: pa.Table
    rows: Rows


class FrameReader:
    """Reads one frame."""

    def __init__(self, content: Content, source: Source) -> None:
        """Read what the details say; no rows yet.

        Raises:
            CorruptBlobError: the details are not those of a frame.
        """
        self._content = content
        self._source = source
        self.layout = Layout.read(content, source)
        self._types = self.layout.types
        with self._translated():
            self._labels = _labels(content, source, self.layout)
        if len(self._labels) != len(self.layout.fields):
            raise malformed(content.kind, f"{len(self.layout.fields)} columns have {len(self._labels)} names")

    @property
    def names(self) -> Names:
        """What the names of its columns and levels mean."""
        return Names(self._labels, self.layout.index.labels)

    def read(self, query: Query) -> pd.DataFrame:
        """Read what is asked for.

        Raises:
            ColumnNotFoundError: a name means nothing here.
            InvalidFilterError: the filter does not fit.
            CorruptBlobError: the parts are not those of the frame.
        """
        parts = row_parts(self._content)
        if not query and len(parts) == 1 and parts[0].name.endswith(f".{BLOCK}"):
            return self._whole_block(parts[0])
        fields = self._fields(query)
        pieces = list(self._pieces(parts, fields, query, True))
        with self._translated():
            return self._frame(_joined(pieces, self._empty(fields)), fields, query)

    def batches(self, query: Query) -> Iterator[pd.DataFrame]:
        """Read what is asked for, some rows at a time; errors as `read`."""
        fields = self._fields(query)
        for piece in self._pieces(row_parts(self._content), fields, query, False):
            with self._translated():
                frame = self._frame(piece, fields, query, False)
            yield frame

    # --- what is asked for

    def _fields(self, query: Query) -> list[str] | None:
        return None if query.columns is None else self.names.fields(query.columns)

    def _stored(self, fields: list[str] | None) -> list[str]:
        """The fields of the parts that are needed: those asked for, and the levels of the index."""
        asked = [f"c{number}" for number in range(len(self.layout.fields))] if fields is None else fields
        levels = [f"i{number}" for number in range(len(self.layout.index.levels))]
        return [*dict.fromkeys(field for field in asked if field.startswith("c")), *levels]

    def _predicate(self, query: Query) -> Predicate | None:
        if query.filter is None:
            return None
        types = {"i0": NumpyType(np.dtype(np.int64)), **self._types}
        return fit(query.filter, self.names, types)

    # --- rows

    def _pieces(self, parts: Sequence[Part], fields: list[str] | None, query: Query, whole: bool) -> Iterator[Piece]:
        predicate = self._predicate(query)
        stored = self._stored(fields)
        if not parts:
            yield from self._without_parts(predicate)
        start = 0
        for part in parts:
            rows = part.rows or 0
            if predicate is None or predicate.may_match(part.statistics, rows):
                with self._open(part) as opened:
                    yield from self._of_part(opened, start, rows, stored, predicate, whole)
            start += rows

    def _of_part(
        self, opened: OpenPart, start: int, rows: int, stored: list[str], predicate: Predicate | None, whole: bool
    ) -> Iterator[Piece]:
        if predicate is None and whole:
            table = self._checked(opened.read(stored))
            if table.num_rows != rows and stored:
                raise malformed(self._content.kind, f"a part has {table.num_rows} rows where there should be {rows}")
            yield Piece(table, slice(start, start + rows))
            return
        for group in opened.groups():
            span = slice(start, start + group.rows)
            if predicate is None:
                yield Piece(self._checked(group.read(stored)), span)
            elif len(found := self._matches(group, span, predicate)):
                kept = self._checked(group.read(stored)).take(pa.array(found - start))
                yield Piece(kept, found)
            start += group.rows

    def _matches(self, group: Group, span: slice, predicate: Predicate) -> NDArray[np.int64]:
        table = self._checked(group.read([field for field in predicate.fields if field in self._types]))
        with self._translated():
            mask = predicate.mask(lambda field: self._column(table, field, span))
        found: NDArray[np.int64] = np.flatnonzero(mask.to_numpy()) + span.start
        return found

    def _column(self, table: pa.Table, field: str, span: slice) -> pa.ChunkedArray:
        if field in self._types:
            return table.column(field)
        return pa.chunked_array([pa.array(self.layout.index.build([], span, False).to_numpy())])

    def _without_parts(self, predicate: Predicate | None) -> Iterator[Piece]:
        """A frame without columns and levels has rows all the same."""
        span = slice(0, self._content.rows or 0)
        rows: Rows = span
        if predicate is not None:
            mask = predicate.mask(lambda field: self._column(pa.table({}), field, span))
            rows = np.flatnonzero(mask.to_numpy())
        yield Piece(pa.table({}), rows)

    @contextmanager
    def _open(self, part: Part) -> Iterator[OpenPart]:
        if part.name.endswith(f".{BLOCK}"):
            yield OpenPart(part, block_table(read_block(part, self._source, self.layout.fields), self.layout.fields))
            return
        with open_part(part, self._source) as opened:
            yield opened

    def _checked(self, table: pa.Table) -> pa.Table:
        for field in table.schema:
            if field.type != self._types[field.name].physical():
                raise malformed(self._content.kind, f"its field {field.name!r} has type {field.type}")
        return table

    def _empty(self, fields: list[str] | None) -> Piece:
        stored = self._stored(fields)
        arrays = {field: pa.chunked_array([], self._types[field].physical()) for field in stored}
        return Piece(pa.table(arrays), np.empty(0, np.int64))

    # --- frames

    def _whole_block(self, part: Part) -> pd.DataFrame:
        values = read_block(part, self._source, self.layout.fields)
        index = self.layout.index.build([], slice(0, len(values)), True)
        return self._finished(pd.DataFrame(values, index=index, columns=self._labels, copy=False))

    def _frame(self, piece: Piece, fields: list[str] | None, query: Query, whole: bool = True) -> pd.DataFrame:
        table, rows = piece.table, piece.rows
        levels = [table.column(f"i{number}") for number in range(len(self.layout.index.levels))]
        index = self.layout.index.build(levels, rows, whole and query.filter is None)
        chosen = self._positions(fields)
        types = [self.layout.fields[number] for number in chosen]
        labels = self._labels if fields is None else self._labels.take(chosen)
        frame = make_frame(types, [table.column(f"c{number}") for number in chosen], index, labels)
        for place, field in enumerate(fields or ()):
            if field.startswith("i"):
                level = index.get_level_values(int(field[1:]))
                frame.insert(place, level.name, values_of(level), allow_duplicates=True)
        return self._finished(frame)

    def _positions(self, fields: list[str] | None) -> list[int]:
        if fields is None:
            return list(range(len(self.layout.fields)))
        return [int(field[1:]) for field in fields if field.startswith("c")]

    def _finished(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.layout.attrs:
            frame.attrs = json.loads(self.layout.attrs)
        return frame.set_flags(allows_duplicate_labels=False) if self.layout.unique else frame

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what pandas and Arrow raise for values that are not what the details say into an error of ours."""
        try:
            yield
        except (pa.ArrowException, ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
            raise malformed(self._content.kind, f"{type(error).__name__}: {error}") from error


def _labels(content: Content, source: Source, layout: Layout) -> pd.Index[Any]:
    levels = len(layout.columns.levels)
    columns = []
    if levels:
        part = next((part for part in content.parts if part.name.rpartition(".")[0] == AXIS), None)
        if part is None:
            raise malformed(content.kind, "the part with the names of its columns is missing")
        table = read_table(part, source, [f"i{number}" for number in range(levels)])
        columns = [table.column(number) for number in range(levels)]
    return layout.columns.build(columns, slice(0, len(layout.fields)), True)


def _joined(pieces: list[Piece], empty: Piece) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        return empty
    table = pa.concat_tables([piece.table for piece in pieces])
    spans = [piece.rows for piece in pieces]
    if all(isinstance(span, slice) for span in spans):
        return Piece(table, slice(0, table.num_rows))
    return Piece(table, np.concatenate([span for span in spans if isinstance(span, np.ndarray)]))

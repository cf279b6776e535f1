"""Rows of parts: those a predicate keeps, with the fields that are needed and no more, a group at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from omcore.objects.codecs.frames.block import BLOCK, block_table, read_block
from omcore.objects.codecs.frames.container import OpenPart, open_part
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from omcore.objects.codecs.base import Part, Source
    from omcore.objects.codecs.frames.columntypes import ColumnType
    from omcore.objects.codecs.frames.container import Group
    from omcore.objects.codecs.frames.filtering import Predicate

Rows: TypeAlias = slice | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows.

    Attributes:
        table: their fields.
        rows: which rows of the content they are.
    """

    table: pa.Table
    rows: Rows


class RowReader:
    """Reads the rows of one content."""

    def __init__(
        self, kind: str, source: Source, types: Mapping[str, ColumnType], virtual: Callable[[slice], pa.Array] | None
    ) -> None:
        """Keep what is needed to read.

        Args:
            kind: the content's kind, for errors.
            source: where the parts are.
            types: the type of every field of the parts.
            virtual: gives the values of a field that a predicate looks at but that is in no part.
        """
        self._kind = kind
        self._source = source
        self._types = types
        self._virtual = virtual

    def pieces(
        self, parts: Sequence[Part], fields: Sequence[str], predicate: Predicate | None, whole: bool, start: int = 0
    ) -> Iterator[Piece]:
        """Read fields of the rows that a predicate keeps, in order; a whole part at a time where it keeps all.

        Args:
            parts: some parts that follow each other.
            fields: what is read of them.
            predicate: which rows; `None` for all.
            whole: where it is all, a whole part at a time.
            start: how many rows of the content there are before them.
        """
        for part in parts:
            rows = part.rows or 0
            if predicate is None or predicate.may_match(part.statistics, rows):
                with self._opened(part, predicate is None and len(fields) == len(self._types)) as opened:
                    yield from self._of_part(opened, start, rows, fields, predicate, whole)
            start += rows

    def all_rows(self, parts: Sequence[Part], fields: Sequence[str]) -> pa.Table:
        """Every row of some parts, as one table."""
        return pa.concat_tables([piece.table for piece in self.pieces(parts, fields, None, whole=True)])

    @contextmanager
    def _opened(self, part: Part, whole: bool) -> Iterator[OpenPart]:
        """A part of any format, open."""
        if part.name.endswith(f".{BLOCK}"):
            types = list(self._types.values())
            yield OpenPart(part, block_table(read_block(part, self._source, types), types))
            return
        with open_part(part, self._source, whole=whole) as opened:
            yield opened

    def _of_part(
        self,
        opened: OpenPart,
        start: int,
        rows: int,
        fields: Sequence[str],
        predicate: Predicate | None,
        whole: bool,
    ) -> Iterator[Piece]:
        if predicate is None and whole:
            table = self._checked(opened.read(fields))
            if table.num_rows != rows and fields:
                raise malformed(self._kind, f"a part has {table.num_rows} rows where there should be {rows}")
            yield Piece(table, slice(start, start + rows))
            return
        for group in opened.groups():
            span = slice(start, start + group.rows)
            if predicate is None:
                yield Piece(self._checked(group.read(fields)), span)
            elif len(found := self.matches(group, span, predicate)):
                yield Piece(self._checked(group.read(fields)).take(pa.array(found - start)), found)
            start += group.rows

    def matches(self, group: Group | None, span: slice, predicate: Predicate) -> NDArray[np.int64]:
        """Which of the content's rows in a group a predicate keeps; `None` for rows without a part."""
        asked = [field for field in predicate.fields if field in self._types]
        table = self._checked(group.read(asked)) if group is not None else pa.table({})
        mask = predicate.mask(lambda field: self._column(table, field, span))
        found: NDArray[np.int64] = np.flatnonzero(mask.to_numpy()) + span.start
        return found

    def _column(self, table: pa.Table, field: str, span: slice) -> pa.ChunkedArray:
        if field in self._types or self._virtual is None:
            return table.column(field)
        return pa.chunked_array([self._virtual(span)])

    def _checked(self, table: pa.Table) -> pa.Table:
        for field in table.schema:
            if field.type != self._types[field.name].physical():
                raise malformed(self._kind, f"its field {field.name!r} has type {field.type}")
        return table


def joined(pieces: list[Piece], types: Mapping[str, ColumnType], fields: Sequence[str]) -> Piece:
    """Pieces as one; without any, no rows."""
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        empty = {field: pa.chunked_array([], types[field].physical()) for field in fields}
        return Piece(pa.table(empty), np.empty(0, np.int64))
    table = pa.concat_tables([piece.table for piece in pieces])
    spans = [piece.rows for piece in pieces if isinstance(piece.rows, np.ndarray)]
    first = pieces[0].rows
    start = first.start if isinstance(first, slice) else 0
    return Piece(table, np.concatenate(spans) if spans else slice(start, start + table.num_rows))

"""Parts become a frame, or some of its rows and columns, all at once or some rows at a time."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.frames.assembly import make_frame
from omcore.objects.codecs.frames.block import BLOCK, read_block
from omcore.objects.codecs.frames.columntypes import NumpyType
from omcore.objects.codecs.frames.composed import values_of
from omcore.objects.codecs.frames.container import UNREADABLE, read_table
from omcore.objects.codecs.frames.filtering import fit
from omcore.objects.codecs.frames.layout import AXIS, Layout, row_parts
from omcore.objects.codecs.frames.rowreader import Piece, RowReader, joined
from omcore.objects.codecs.frames.selection import Names
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.codecs.base import Content, Part, Query, Source
    from omcore.objects.codecs.frames.filtering import Predicate


class FrameReader:
    """Reads one frame.

    Attributes:
        layout: what the details say.
        labels: the names of its columns.
        rows: reads its rows.
        parts: the parts that hold them, or those that were chosen.
    """

    def __init__(self, content: Content, source: Source, chosen: slice | None = None) -> None:
        """Read what the details say; no rows yet.

        Args:
            content: the frame.
            source: where its parts are.
            chosen: read only the rows of these of its parts that hold rows, with the labels that they have in the
                whole; `None` for all.

        Raises:
            CorruptBlobError: the details are not those of a frame.
        """
        self._content = content
        self._source = source
        self.layout = Layout.read(content, source)
        self._types = self.layout.types
        known = row_parts(content)
        self.parts = known if chosen is None else known[chosen]
        self._first = 0 if chosen is None else sum(part.rows or 0 for part in known[: chosen.start])
        self.rows = RowReader(content.kind, source, self._types, self._counted)
        with self._translated():
            self.labels = _labels(content, source, self.layout)
        if len(self.labels) != len(self.layout.fields):
            raise malformed(content.kind, f"{len(self.layout.fields)} columns have {len(self.labels)} names")

    @property
    def names(self) -> Names:
        """What the names of its columns and levels mean."""
        return Names(self.labels.tolist(), self.layout.index.labels)

    def read(self, query: Query) -> pd.DataFrame:
        """Read what is asked for.

        Raises:
            ColumnNotFoundError: a name means nothing here.
            InvalidFilterError: the filter does not fit.
            CorruptBlobError: the parts are not those of the frame.
        """
        with self._translated():
            if not query and len(self.parts) == 1 and self.parts[0].name.endswith(f".{BLOCK}"):
                return self._whole_block(self.parts[0])
            fields, predicate = self._asked(query)
            stored = self.stored(fields)
            pieces = list(self.pieces(stored, predicate, whole=True))
            return self._frame(joined(pieces, self._types, stored), fields, predicate is None)

    def batches(self, query: Query) -> Iterator[pd.DataFrame]:
        """Read what is asked for, some rows at a time; errors as `read`."""
        with self._translated():
            fields, predicate = self._asked(query)
            for piece in self.pieces(self.stored(fields), predicate, whole=False):
                yield self._frame(piece, fields, whole=False)

    def stored(self, fields: list[str] | None) -> list[str]:
        """The fields of the parts that are needed: those asked for, and the levels of the index."""
        asked = [f"c{number}" for number in range(len(self.layout.fields))] if fields is None else fields
        levels = [f"i{number}" for number in range(len(self.layout.index.levels))]
        return [*dict.fromkeys(field for field in asked if field.startswith("c")), *levels]

    # --- what is asked for

    def _asked(self, query: Query) -> tuple[list[str] | None, Predicate | None]:
        fields = None if query.columns is None else self.names.fields(query.columns)
        if query.filter is None:
            return fields, None
        types = {"i0": NumpyType(np.dtype(np.int64)), **self._types}
        return fields, fit(query.filter, self.names, types)

    def pieces(self, stored: list[str], predicate: Predicate | None, whole: bool) -> Iterator[Piece]:
        """The rows that a predicate keeps, in order; a reader of rows that are in no parts has its own.

        Args:
            stored: the fields that are needed.
            predicate: which rows; `None` for all.
            whole: all pieces are going to be put together, so that they may be of any size.
        """
        if self.parts:
            return self.rows.pieces(self.parts, stored, predicate, whole, self._first)
        # a frame without columns and levels has rows all the same
        span = slice(0, self._content.rows or 0)
        return iter([Piece(pa.table({}), span if predicate is None else self.rows.matches(None, span, predicate))])

    def _counted(self, span: slice) -> pa.Array:
        """The values of a range."""
        return pa.array(self.layout.index.build([], span, False).to_numpy())

    # --- frames

    def _whole_block(self, part: Part) -> pd.DataFrame:
        values = read_block(part, self._source, self.layout.fields)
        index = self.layout.index.build([], slice(self._first, self._first + len(values)), True)
        return self._finished(pd.DataFrame(values, index=index, columns=self.labels, copy=False))

    def _frame(self, piece: Piece, fields: list[str] | None, whole: bool) -> pd.DataFrame:
        table = piece.table
        levels = [table.column(f"i{number}") for number in range(len(self.layout.index.levels))]
        index = self.layout.index.build(levels, piece.rows, whole)
        chosen = self._positions(fields)
        types = [self.layout.fields[number] for number in chosen]
        labels = self.labels if fields is None else self.labels.take(chosen)
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
        except UNREADABLE as error:
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

"""Frames that were written one by one become one frame, which shares their parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.appending import with_rows
from omcore.objects.codecs.frames.columntypes import flat
from omcore.objects.codecs.frames.framereader import FrameReader
from omcore.objects.codecs.frames.framewriter import schema_of
from omcore.objects.codecs.frames.infer import Column
from omcore.objects.codecs.frames.mergedaxes import compose_axes
from omcore.objects.codecs.frames.merging import Stretch, merge
from omcore.objects.codecs.frames.objects import ObjectType
from omcore.objects.codecs.frames.rows import write_part
from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from omcore.objects.codecs.base import Content, Part, Sink, Source
    from omcore.objects.codecs.frames.layout import Layout


@dataclass(frozen=True, slots=True)
class _Piece:
    """One of the frames.

    Attributes:
        content: the frame.
        reader: reads it.
        span: which rows it becomes.
    """

    content: Content
    reader: FrameReader
    span: slice

    def stretch(self, field: str) -> Stretch:
        """What is known of one of its columns or levels."""
        known = [part.statistics.get(field) for part in self.reader.parts]
        whole = all(each is not None and each[2] == 0 for each in known)
        return Stretch(self.reader.layout.types[field], self.span, may_miss=not whole)


def compose_frames(contents: Sequence[Content], sink: Sink, source: Source) -> Content:
    """Put frames together, one after the other, as if their rows had been written at once.

    Their rows are not read, save those that must be kept in another way now: a range of labels among labels that are
    none, and a column of objects that says "missing" in another way than the frames around it. Frames without rows
    count for nothing. Ranges that begin at 0 each time become one; else rows keep their labels.

    Raises:
        UnsupportedTypeError: they differ in their columns, types, names or attributes; says where and how.
    """
    pieces = _pieces(contents, source)
    first = pieces[0]
    if len(pieces) == 1:
        return first.content
    for piece in pieces[1:]:
        _check_alike(first, piece)
    types = [
        merge([piece.stretch(f"c{number}") for piece in pieces], f"column {label!r}")
        for number, label in enumerate(first.reader.labels)
    ]
    axes = [(piece.reader, [piece.stretch(f"i{at}") for at in range(_levels(piece))], piece.span) for piece in pieces]
    layout = replace(first.reader.layout, fields=tuple(types), index=compose_axes(axes))
    rows = [part for piece in pieces for part in _fitting(piece, layout, sink)]
    whole = replace(first.content, rows=pieces[-1].span.stop)
    return with_rows(whole, first.reader.layout, layout, rows, sink, schema_of(first.reader.labels, layout))


def _pieces(contents: Sequence[Content], source: Source) -> list[_Piece]:
    full = [content for content in contents if content.rows] or contents[:1]
    ends = accumulate(content.rows or 0 for content in full)
    spans = [slice(end - (content.rows or 0), end) for content, end in zip(full, ends, strict=True)]
    return [_Piece(content, FrameReader(content, source), span) for content, span in zip(full, spans, strict=True)]


def _levels(piece: _Piece) -> int:
    return len(piece.reader.layout.index.levels)


def _check_alike(first: _Piece, other: _Piece) -> None:
    there, new = first.reader, other.reader
    if not _identical(there.labels, new.labels):
        missing, extra = (set(map(str, one)) - set(map(str, two)) for one, two in _both_ways(there.labels, new.labels))
        told = f"missing are {listed(sorted(missing))}, not known are {listed(sorted(extra))}"
        told = told if missing or extra else "they have another order, or names of another type"
        message = f"the frames to put together have other columns from row {other.span.start} on: {told}"
        raise UnsupportedTypeError(f"{message}; give all of them the same columns")
    if (there.layout.attrs, there.layout.unique) != (new.layout.attrs, new.layout.unique):
        message = f"the frames to put together have other attrs or flags from row {other.span.start} on"
        raise UnsupportedTypeError(f"{message}; give all of them the same")


def _both_ways(one: pd.Index[Any], two: pd.Index[Any]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return (one, two), (two, one)


def _identical(one: pd.Index[Any], two: pd.Index[Any]) -> bool:
    return bool(one.identical(two)) and list(map(type, one)) == list(map(type, two))


def _fitting(piece: _Piece, layout: Layout, sink: Sink) -> Iterator[Part]:
    """The parts of a frame that hold rows, as they are, or written anew where they do not fit."""
    old = piece.reader.layout
    if {name: kind.physical() for name, kind in old.types.items()} == {
        name: kind.physical() for name, kind in layout.types.items()
    }:
        yield from piece.reader.parts
        return
    start = 0
    for part in piece.reader.parts:
        rows = part.rows or 0
        yield write_part(_columns(piece, part, slice(start, start + rows), layout), 0, rows, sink)
        start += rows


def _columns(piece: _Piece, part: Part, span: slice, layout: Layout) -> dict[str, Column]:
    """The columns and levels of one part, as they are to be kept."""
    reader = piece.reader
    table = reader.rows.all_rows([part], reader.stored(None))
    columns = {}
    for name, new in layout.types.items():
        old = reader.layout.types.get(name)
        if old is None:
            column = _labels_of(reader.layout.index, span)
        elif isinstance(old, ObjectType) and isinstance(new, ObjectType):
            column = new.conform(table.column(name), old)
        else:
            column = table.column(name)
        columns[name] = Column(new, array=flat(column))
    return columns


def _labels_of(axis: Any, span: slice) -> pa.Array:
    """The labels of a range."""
    return pa.array(np.asarray(axis.build([], span, False)), pa.int64())

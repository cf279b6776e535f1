"""Rows are added to a frame: the parts there are stay, and what does not fit is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Content, Query
from omcore.objects.codecs.frames.axes import FlatAxis, RangeAxis, study_axis
from omcore.objects.codecs.frames.compaction import compacted
from omcore.objects.codecs.frames.composed import values_of
from omcore.objects.codecs.frames.framereader import FrameReader
from omcore.objects.codecs.frames.framewriter import check_frame, schema_of, write_frame
from omcore.objects.codecs.frames.joining import RewriteError, join, join_level
from omcore.objects.codecs.frames.layout import DictionaryWriter, fields_of, is_dictionary, row_parts
from omcore.objects.codecs.frames.rows import write_rows
from omcore.sentences import listed

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Part, Sink, Source
    from omcore.objects.codecs.frames.axes import Axis
    from omcore.objects.codecs.frames.infer import Column
    from omcore.objects.codecs.frames.layout import Layout


def append_rows(content: Content, frame: pd.DataFrame, sink: Sink, source: Source) -> Content:
    """Add rows to a frame.

    A range goes on counting; any other index gets the labels of the new rows, and has no frequency afterwards. Columns
    may come in another order.

    Raises:
        UnsupportedTypeError: a column, or the index, has another type or name; says which and how.
    """
    check_frame(frame)
    reader = FrameReader(content, source)
    frame = _aligned(frame, reader.labels)
    _check_names(frame.index, reader.layout.index, content.rows or 0)
    if not len(frame):
        return content
    try:
        columns = _columns(frame, reader)
        index, levels = _index(frame.index, reader.layout.index)
    except RewriteError:
        return _rewritten(content, frame, reader, sink)
    layout = replace(reader.layout, fields=tuple(column.type for column in columns), index=index)
    rows = [*compacted(reader, sink), *write_rows(fields_of(columns, levels), len(frame), sink)]
    extended = replace(content, rows=(content.rows or 0) + len(frame))
    return with_rows(extended, reader.layout, layout, rows, sink, schema_of(reader.labels, layout))


def with_rows(
    content: Content, old: Layout, new: Layout, rows: list[Part], sink: Sink, schema: dict[str, Any]
) -> Content:
    """Content with other parts that hold rows, and with what a changed layout needs."""
    others = [part for part in content.parts if part not in row_parts(content)]
    if new == old:
        return replace(content, parts=(*others, *rows))
    writer = DictionaryWriter(sink)
    details = {**content.details, **new.describe(writer)}
    axis = [part for part in others if not is_dictionary(part)]
    return replace(content, parts=(*axis, *writer.parts, *rows), details=details, schema=schema)


def _aligned(frame: pd.DataFrame, labels: pd.Index[Any]) -> pd.DataFrame:
    """The columns in the order in which they are kept."""
    if frame.columns.equals(labels):
        return frame
    missing, extra = labels.difference(frame.columns, sort=False), frame.columns.difference(labels, sort=False)
    if len(missing) or len(extra) or not labels.is_unique:
        told = f"missing are {listed(map(str, missing))}, not known are {listed(map(str, extra))}"
        message = f"the rows to append have other columns than the dataset: {told}; give them the same columns"
        raise UnsupportedTypeError(message)
    return frame[list(labels)]


def _check_names(new: pd.Index[Any], old: Axis, rows: int) -> None:
    if isinstance(old, RangeAxis):
        begins = {(0, 1), (old.start + rows * old.step, old.step)}
        if not isinstance(new, pd.RangeIndex) or (new.start, new.step) not in begins:
            message = "the index of the dataset is a range that goes on, but the rows to append have their own labels"
            raise UnsupportedTypeError(f"{message}; reset_index(drop=True) them first")
        if new.name not in {None, old.label}:
            raise _other_names([new.name], old)
        return
    if list(new.names) != old.labels:
        raise _other_names(list(new.names), old)


def _other_names(names: list[Any], old: Axis) -> UnsupportedTypeError:
    message = f"the index of the dataset is called {old.labels} but that of the rows to append {names}"
    return UnsupportedTypeError(f"{message}; rename it first")


def _columns(frame: pd.DataFrame, reader: FrameReader) -> list[Column]:
    columns = []
    for number, (label, series) in enumerate(frame.items()):
        known = [part.statistics.get(f"c{number}") for part in reader.parts]
        without_nulls = all(each is not None and each[2] == 0 for each in known)
        columns.append(join(reader.layout.fields[number], values_of(series), f"column {label!r}", without_nulls))
    return columns


def _index(new: pd.Index[Any], old: Axis) -> tuple[Axis, list[Column]]:
    if isinstance(old, RangeAxis):
        return old, []
    if isinstance(old, FlatAxis):
        level = old.levels[0]
        if isinstance(new, pd.RangeIndex):
            new = pd.Index(new.to_numpy(), name=new.name)
        column = join(level.type, values_of(new), "the index")
        return FlatAxis(replace(level, note="")) if level.note else old, [column]
    found, columns = study_axis(new, "the index")
    names = [f"level {label!r} of the index" for label in old.labels]
    levels = zip(old.levels, found.levels, columns, names, strict=True)
    return old, [join_level(there.type, column, name) for there, _, column, name in levels]


def _rewritten(content: Content, frame: pd.DataFrame, reader: FrameReader, sink: Sink) -> Content:
    """Everything anew, for cells of objects that need another way to be kept."""
    there = reader.read(Query())
    counted = isinstance(reader.layout.index, RangeAxis)
    arrays = {
        number: pd.concat([there.iloc[:, number], frame.iloc[:, number].astype(there.dtypes.iloc[number])])
        for number in range(len(there.columns))
    }
    index = there.index.append(frame.index)
    if counted:
        index = reader.layout.index.build([], slice(0, len(index)), True)
    whole = pd.DataFrame({number: column.set_axis(index) for number, column in arrays.items()}, index=index)
    whole.columns = reader.labels
    whole.attrs = there.attrs
    written = write_frame(whole, content.kind, sink)
    return replace(written, details={**content.details, **written.details})

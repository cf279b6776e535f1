"""A frame becomes parts and details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Content
from omcore.objects.codecs.exact_json import dump
from omcore.objects.codecs.frames.axes import study_axis, study_columns
from omcore.objects.codecs.frames.block import block_of, write_block
from omcore.objects.codecs.frames.columntypes import NumpyType
from omcore.objects.codecs.frames.composed import values_of
from omcore.objects.codecs.frames.container import write_table
from omcore.objects.codecs.frames.infer import infer
from omcore.objects.codecs.frames.layout import AXIS, DictionaryWriter, Layout, fields_of
from omcore.objects.codecs.frames.rows import slice_table, write_rows
from omcore.objects.codecs.frames.selection import Names

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Part, Sink
    from omcore.objects.codecs.frames.axes import Axis
    from omcore.objects.codecs.frames.infer import Column


def write_frame(frame: pd.DataFrame, kind: str, sink: Sink) -> Content:
    """Write a frame.

    Raises:
        UnsupportedTypeError: something in it cannot be kept exactly; names the column.
    """
    check_frame(frame)
    labels, label_columns = study_columns(frame.columns)
    values = block_of(frame)
    if values is not None:
        types = (NumpyType(values.dtype),) * values.shape[1]
        layout = _layout(frame, labels, types, study_axis(frame.index, "the index")[0])
        return _content(kind, frame, layout, label_columns, [write_block(values, sink)], sink)
    columns = study(frame)
    index, levels = study_axis(frame.index, "the index")
    layout = _layout(frame, labels, tuple(column.type for column in columns), index)
    fields = fields_of(columns, levels)
    return _content(kind, frame, layout, label_columns, write_rows(fields, len(frame), sink), sink)


def check_frame(frame: Any) -> None:
    """Refuse what is no DataFrame, or more than one.

    Raises:
        UnsupportedTypeError: it is not exactly a DataFrame.
    """
    if type(frame) is not pd.DataFrame:
        name = type(frame).__qualname__
        message = f"a {name} is not exactly a DataFrame and cannot be kept as one; store pandas.DataFrame(...) of it"
        raise UnsupportedTypeError(message)


def schema_of(labels: pd.Index[Any], layout: Layout) -> dict[str, Any]:
    """What people and policies are told of a frame."""
    return {"columns": Names(labels.tolist(), layout.index.labels).titles(layout.types)}


def study(frame: pd.DataFrame) -> list[Column]:
    """The columns of a frame, ready to be written; a column of an object is named in the error."""
    return [infer(values_of(series), f"column {label!r}") for label, series in frame.items()]


def _layout(frame: pd.DataFrame, labels: Axis, types: tuple[Any, ...], index: Axis) -> Layout:
    attrs = dump(frame.attrs, "attrs of the frame").decode() if frame.attrs else ""
    return Layout(labels, types, index, attrs, not frame.flags.allows_duplicate_labels)


def _content(
    kind: str, frame: pd.DataFrame, layout: Layout, label_columns: list[Column], rows: list[Part], sink: Sink
) -> Content:
    writer = DictionaryWriter(sink)
    details = layout.describe(writer)
    axis = (
        [write_table(slice_table(fields_of([], label_columns), 0, len(frame.columns)), sink, AXIS)]
        if label_columns
        else []
    )
    return Content(kind, (*axis, *writer.parts, *rows), schema_of(frame.columns, layout), details, len(frame))

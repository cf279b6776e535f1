"""The index of a frame that several frames make."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.axes import FlatAxis, Level, MultiAxis, RangeAxis, as_index
from omcore.objects.codecs.frames.columntypes import NumpyType
from omcore.objects.codecs.frames.merging import Stretch, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from omcore.objects.codecs.frames.axes import Axis
    from omcore.objects.codecs.frames.framereader import FrameReader

Indexed: TypeAlias = "tuple[FrameReader, list[Stretch], slice]"
"""A frame, what is known of the levels of its index, and which rows of the whole it becomes."""

_LABELS = NumpyType(np.dtype(np.int64))
"""The type of the labels of a range."""


def compose_axes(frames: Sequence[Indexed]) -> Axis:
    """The index of frames, one after the other.

    Raises:
        UnsupportedTypeError: they differ in their levels; says where and how.
    """
    axes = [reader.layout.index for reader, _, _ in frames]
    _check_labels(frames)
    ranges = [axis for axis in axes if isinstance(axis, RangeAxis)]
    if len(ranges) == len(axes):
        return _compose_ranges(ranges, [span for _, _, span in frames])
    if any(isinstance(axis, MultiAxis) for axis in axes):
        return _compose_levels(frames)
    return _compose_flat(frames)


def _check_labels(frames: Sequence[Indexed]) -> None:
    first = frames[0][0].layout.index
    for reader, _, span in frames[1:]:
        names = reader.layout.index.labels
        if names != first.labels or list(map(type, names)) != list(map(type, first.labels)):
            message = f"the index of the frames to put together is called {first.labels} at first but {names}"
            raise UnsupportedTypeError(f"{message} from row {span.start} on; rename it first")


def _compose_ranges(axes: Sequence[RangeAxis], spans: Sequence[slice]) -> Axis:
    """One range where they follow each other, or where each begins anew at 0; else labels."""
    first = axes[0]
    if all((axis.start, axis.step) == (0, 1) for axis in axes):
        return first
    told = {axis.step for axis, span in zip(axes, spans, strict=True) if span.stop - span.start > 1}
    steps = told or {axis.step for axis in axes}  # of a range of one label the step may be any
    step = steps.pop()
    whole = RangeAxis(first.start, step, first.label)
    if steps or any(axis.start != first.start + span.start * step for axis, span in zip(axes, spans, strict=True)):
        return FlatAxis(Level(first.label, _LABELS))
    return first if first.step == step else whole


def _compose_flat(frames: Sequence[Indexed]) -> Axis:
    stretches = [levels[0] if levels else Stretch(_LABELS, span) for _, levels, span in frames]
    kind = merge(stretches, "the index")
    first = frames[0][0].layout.index
    level = first.levels[0] if first.levels else Level(first.labels[0], _LABELS)
    note = _frequency(frames)
    same = first.levels and kind is level.type and note == level.note
    return first if same else FlatAxis(replace(level, type=kind, note=note))


def _compose_levels(frames: Sequence[Indexed]) -> Axis:
    first = frames[0][0].layout.index
    for reader, _, span in frames:
        if not isinstance(reader.layout.index, MultiAxis) or not isinstance(first, MultiAxis):
            message = f"the index of the frames to put together has several levels only in some: see row {span.start}"
            raise UnsupportedTypeError(f"{message}; give all of them the same levels")
    levels = []
    for at, level in enumerate(first.levels):
        kind = merge([known[at] for _, known, _ in frames], f"level {level.label!r} of the index")
        ordered = all(reader.layout.index.levels[at].note for reader, _, _ in frames)
        same = kind is level.type and ordered == bool(level.note)
        levels.append(level if same else replace(level, type=kind, note="sorted" if ordered else ""))
    return first if all(map(_is, levels, first.levels)) else MultiAxis(tuple(levels))


def _is(one: Any, other: Any) -> bool:
    return one is other


def _frequency(frames: Sequence[Indexed]) -> str:
    """The frequency that all of them have, if it goes on from each to the next; the labels are read for that."""
    notes = {level.note for reader, _, _ in frames for level in reader.layout.index.levels or [Level(None, _LABELS)]}
    note = notes.pop()
    if notes or not note:
        return ""
    labels = [_edges(reader) for reader, _, _ in frames]
    return note if all(_goes_on(last, first, note) for (_, last), (first, _) in pairwise(labels)) else ""


def _edges(reader: FrameReader) -> tuple[Any, Any]:
    """The first and the last label, each as an index of its own."""
    first, last = (_labels(reader, part) for part in (reader.parts[0], reader.parts[-1]))
    return first[:1], last[-1:]


def _labels(reader: FrameReader, part: Any) -> pd.Index[Any]:
    column = reader.rows.all_rows([part], ["i0"]).column("i0")
    return as_index(reader.layout.index.levels[0].type.to_pandas(column), None)


def _goes_on(last: Any, first: Any, note: str) -> bool:
    both = last.append(first)
    try:
        both.freq = note  # pandas refuses it where it does not hold
    except ValueError:
        return False
    return True

"""The index and the columns of a frame: what pandas calls an axis, as JSON and Arrow columns."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.columntypes import describe_type, flat
from omcore.objects.codecs.frames.composed import IntervalType, values_of
from omcore.objects.codecs.frames.extensions import StringType
from omcore.objects.codecs.frames.infer import Column, infer
from omcore.objects.codecs.frames.labels import read_label, write_label

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from omcore.objects.codecs.frames.columntypes import ColumnType, TypeReader, TypeWriter


@dataclass(frozen=True, slots=True)
class Level:
    """One level of an axis that is kept in a column.

    Attributes:
        label: its name.
        type: the type of its values.
        note: of a flat axis its frequency, or empty; of a level among several `sorted` where its values are in order.
    """

    label: Hashable
    type: ColumnType
    note: str = ""

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        """The level as JSON."""
        kind = describe_type(self.type, writer)
        return {"label": write_label(self.label, "a level"), "of": kind, "note": self.note}

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        """Read what `describe` wrote."""
        return cls(read_label(described["label"]), reader.type(described["of"]), str(described["note"]))


class Axis(ABC):
    """A form of axis. Instances are immutable."""

    name: ClassVar[str]
    """What the form is called in the details of the content."""

    levels: tuple[Level, ...] = ()
    """The levels that are kept in columns."""

    @abstractmethod
    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        """The axis as JSON, without the name of its form."""

    @classmethod
    @abstractmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        """Read what `describe` wrote; may raise `KeyError`, `TypeError` or `ValueError` where it is no such thing."""

    @abstractmethod
    def build(self, columns: Sequence[pa.ChunkedArray], rows: slice | NDArray[np.int64], whole: bool) -> pd.Index[Any]:
        """Make the axis of pandas again.

        Args:
            columns: one for each level.
            rows: which rows of the content they are.
            whole: they are all rows, so that a frequency holds.
        """

    @property
    def labels(self) -> list[Hashable]:
        """The names of the levels."""
        return [level.label for level in self.levels]


class RangeAxis(Axis):
    """A range, which needs no column."""

    name = "range"

    def __init__(self, start: int, step: int, label: Hashable) -> None:
        self.start = start
        self.step = step
        self.label = label

    def describe(self, _writer: TypeWriter) -> dict[str, Any]:
        return {"start": self.start, "step": self.step, "label": write_label(self.label, "the index")}

    @classmethod
    def read(cls, described: Mapping[str, Any], _reader: TypeReader) -> Self:
        if not described["step"]:
            raise ValueError("a range with step 0")
        return cls(int(described["start"]), int(described["step"]), read_label(described["label"]))

    def build(self, _columns: Sequence[pa.ChunkedArray], rows: slice | NDArray[np.int64], _whole: bool) -> Any:
        if isinstance(rows, slice):
            return self._range(rows.start, rows.stop)
        return self._range(0, int(rows[-1]) + 1 if len(rows) else 0).take(rows)

    def _range(self, first: int, last: int) -> pd.RangeIndex:
        start, stop = (self.start + row * self.step for row in (first, last))
        return pd.RangeIndex(start, stop, self.step, name=self.label)

    @property
    def labels(self) -> list[Hashable]:
        return [self.label]


class FlatAxis(Axis):
    """One level of values of any type."""

    name = "flat"

    def __init__(self, level: Level) -> None:
        self.levels = (level,)

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        return self.levels[0].describe(writer)

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        return cls(Level.read(described, reader))

    def build(self, columns: Sequence[pa.ChunkedArray], _rows: slice | NDArray[np.int64], whole: bool) -> Any:
        level = self.levels[0]
        index: Any = as_index(level.type.to_pandas(columns[0]), level.label)
        if whole and level.note:
            index.freq = level.note
        return index


class MultiAxis(Axis):
    """Several levels."""

    name = "multi"

    def __init__(self, levels: tuple[Level, ...]) -> None:
        self.levels = levels

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        return {"levels": [level.describe(writer) for level in self.levels]}

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        return cls(tuple(Level.read(level, reader) for level in described["levels"]))

    def build(self, columns: Sequence[pa.ChunkedArray], _rows: slice | NDArray[np.int64], _whole: bool) -> Any:
        found = [_codes_and_values(level, column) for level, column in zip(self.levels, columns, strict=True)]
        make: Any = pd.MultiIndex  # the stubs take no indexes for levels
        return make(levels=[value for _, value in found], codes=[code for code, _ in found], names=self.labels)


class TextAxis(Axis):
    """Names of columns that are all text, in JSON."""

    name = "text"

    def __init__(self, texts: tuple[str, ...], label: Hashable, kind: ColumnType | None) -> None:
        self.texts = texts
        self.label = label
        self.kind = kind

    def describe(self, writer: TypeWriter) -> dict[str, Any]:
        kind = describe_type(self.kind, writer) if self.kind else None
        return {"texts": list(self.texts), "label": write_label(self.label, "the columns"), "of": kind}

    @classmethod
    def read(cls, described: Mapping[str, Any], reader: TypeReader) -> Self:
        kind = reader.type(described["of"]) if described["of"] else None
        return cls(tuple(map(str, described["texts"])), read_label(described["label"]), kind)

    def build(self, _columns: Sequence[pa.ChunkedArray], _rows: slice | NDArray[np.int64], _whole: bool) -> Any:
        dtype: Any = object if self.kind is None else getattr(self.kind, "dtype", object)
        # a name can be set on an index in place, so that each frame needs one of its own
        index = _text_index(self.texts, dtype).view()
        index.name = self.label
        return index


AXES: Mapping[str, type[Axis]] = {each.name: each for each in (RangeAxis, FlatAxis, MultiAxis, TextAxis)}
"""Every form of axis by the name that the details call it."""


@functools.lru_cache(maxsize=64)
def _text_index(texts: tuple[str, ...], dtype: Any) -> Any:
    """The names of columns; small frames with the same ones come again and again."""
    return pd.Index(list(texts), dtype=dtype)


def as_index(values: Any, label: Hashable) -> pd.Index[Any]:
    """An index of values, of exactly their dtype."""
    plain = isinstance(values, np.ndarray) and values.dtype == object
    index: pd.Index[Any] = pd.Index(values, dtype=object, name=label) if plain else pd.Index(values, name=label)
    return index


def study_axis(index: pd.Index[Any], what: str) -> tuple[Axis, list[Column]]:
    """Find the form of an axis, and make its levels ready to be written.

    Raises:
        UnsupportedTypeError: it cannot be kept exactly.
    """
    write_label(index.name, what)
    if isinstance(index, pd.RangeIndex):
        return RangeAxis(index.start, index.step, index.name), []
    if isinstance(index, pd.MultiIndex):
        return _study_levels(index, what)
    column = infer(values_of(index), what)
    return FlatAxis(Level(index.name, column.type, _frequency(index, what))), [column]


def study_columns(index: pd.Index[Any]) -> tuple[Axis, list[Column]]:
    """As `study_axis`, for the names of columns: text is kept in JSON.

    Raises:
        UnsupportedTypeError: they cannot be kept exactly.
    """
    labels = tuple(index.tolist())
    plain = type(index) is pd.Index and (index.dtype == object or isinstance(index.dtype, pd.StringDtype))
    if not plain or set(map(type, labels)) != {str}:
        return study_axis(index, "the columns axis")
    write_label("".join(labels), "a column")
    write_label(index.name, "the columns axis")
    kind = StringType.of(index.dtype) if isinstance(index.dtype, pd.StringDtype) else None
    return TextAxis(labels, index.name, kind), []


def _study_levels(index: pd.MultiIndex, what: str) -> tuple[Axis, list[Column]]:
    levels, columns = [], []
    for number, (values, codes) in enumerate(zip(index.levels, index.codes, strict=True)):
        name = f"level {index.names[number] or number!r} of {what}"
        write_label(index.names[number], name)
        column = infer(values_of(values), name)
        if isinstance(column.type, IntervalType):
            message = f"{name} has dtype {values.dtype}, which cannot be kept in several levels; make it categorical"
            raise UnsupportedTypeError(message)
        array = column.array if column.array is not None else flat(column.type.to_arrow(column.raw))
        positions = pa.array(np.asarray(codes, np.int64), mask=np.asarray(codes) < 0)
        levels.append(Level(index.names[number], column.type, "sorted" if values.is_monotonic_increasing else ""))
        columns.append(Column(column.type, array=flat(array.take(positions))))
    return MultiAxis(tuple(levels)), columns


def _frequency(index: pd.Index[Any], what: str) -> str:
    if not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) or index.freq is None:
        return ""
    text = str(index.freqstr)
    try:
        same = pd.tseries.frequencies.to_offset(text) == index.freq
    except ValueError:
        same = False
    if not same:
        message = f"{what} has the frequency {index.freq!r}, which cannot be kept exactly; set its freq to None first"
        raise UnsupportedTypeError(message)
    return text


def _codes_and_values(level: Level, column: pa.ChunkedArray) -> tuple[NDArray[Any], pd.Index[Any]]:
    if pa.types.is_null(column.type):  # Arrow would make a value of its null
        return np.full(len(column), -1), as_index(level.type.to_pandas(flat(pa.nulls(0))), level.label)
    encoded = column.combine_chunks().dictionary_encode()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.combine_chunks()
    values = as_index(level.type.to_pandas(flat(encoded.dictionary)), level.label)
    codes: NDArray[Any] = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    if level.note != "sorted":
        return codes, values
    order = np.asarray(values.argsort())
    places = np.empty(len(order) + 1, np.int64)
    places[order] = np.arange(len(order))
    places[-1] = -1
    return places[codes], values.take(order)

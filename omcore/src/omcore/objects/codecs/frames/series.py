"""pandas Series: a frame of one column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from omcore.errors import ColumnNotFoundError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content, Query
from omcore.objects.codecs.frames.appending import append_rows
from omcore.objects.codecs.frames.composing import compose_frames
from omcore.objects.codecs.frames.framereader import FrameReader
from omcore.objects.codecs.frames.framewriter import write_frame
from omcore.objects.codecs.frames.labels import read_label, write_label
from omcore.objects.codecs.frames.layout import rows_of_parts
from omcore.objects.codecs.reading import malformed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from omcore.objects.codecs.base import Sink, Source, Trust


class SeriesCodec(Codec):
    """As frames; a filter calls the values by the name of the series, or `value` where it has none."""

    api_version = 1
    kind = "pandas.series"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        frame = _as_frame(value)
        label = write_label(value.name, "the series")
        content = write_frame(frame, self.kind, sink)
        return replace(content, details={**content.details, "label": label})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        reader, label = _open(content, source, query)
        return _as_series(reader.read(Query(filter=query.filter)), label)

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        """Add values; the parts there are stay."""
        frame = _as_frame(value)
        reader, label = _open(content, source, Query())
        if value.name is not None and value.name != label:
            message = f"the series is called {label!r} but the values to append {value.name!r}; rename them first"
            raise UnsupportedTypeError(message)
        frame.columns = reader.labels
        return append_rows(content, frame, sink, source)

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:  # noqa: ARG002 - plain
        """Read some rows at a time, each time as a series."""
        reader, label = _open(content, source, query)
        for frame in reader.batches(Query(filter=query.filter)):
            yield _as_series(frame, label)

    def part_rows(self, content: Content) -> Sequence[int]:
        """The rows of each part."""
        return rows_of_parts(content)

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:  # noqa: ARG002 - plain
        """Read some of the parts; the values keep the labels that they have in the whole."""
        reader, label = _open(content, source, query, parts)
        return _as_series(reader.read(Query(filter=query.filter)), label)

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:
        """Put series of one name together, one after the other, sharing their parts."""
        labels = {repr(content.details.get("label")): None for content in contents}
        if len(labels) > 1:
            message = f"the series to put together are called {' and '.join(labels)}; give them one name"
            raise UnsupportedTypeError(message)
        return compose_frames(contents, sink, source)


def _open(content: Content, source: Source, query: Query, parts: slice | None = None) -> tuple[FrameReader, Hashable]:
    reader = FrameReader(content, source, parts)
    if len(reader.labels) != 1 or "label" not in content.details:
        raise malformed(content.kind, f"it has {len(reader.labels)} columns")
    name = str(reader.labels[0])
    if query.columns is not None and query.columns != (name,):
        asked = f"columns [{','.join(query.columns)}] were asked for"
        raise ColumnNotFoundError(f"{asked} but a series has the one column {name!r}; ask for that, or for all of it")
    return reader, read_label(content.details["label"])


def _as_frame(series: Any) -> pd.DataFrame:
    if type(series) is not pd.Series:
        name = type(series).__qualname__
        message = f"a {name} is more than a Series and cannot be kept exactly; store pandas.Series(...) of it"
        raise UnsupportedTypeError(message)
    frame = series.to_frame("value" if series.name is None else str(series.name))
    frame.attrs = series.attrs
    return frame.set_flags(allows_duplicate_labels=series.flags.allows_duplicate_labels)


def _as_series(frame: pd.DataFrame, label: Hashable) -> pd.Series[Any]:
    series: pd.Series[Any] = frame.iloc[:, 0]
    series.name = label
    series.attrs = frame.attrs
    return series.set_flags(allows_duplicate_labels=frame.flags.allows_duplicate_labels)

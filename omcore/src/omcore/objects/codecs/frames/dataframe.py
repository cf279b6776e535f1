"""pandas DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.frames.appending import append_rows
from omcore.objects.codecs.frames.composing import compose_frames
from omcore.objects.codecs.frames.framereader import FrameReader
from omcore.objects.codecs.frames.framewriter import write_frame
from omcore.objects.codecs.frames.layout import rows_of_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omcore.objects.codecs.base import Query, Sink, Source, Trust


class DataFrameCodec(Codec):
    """Every dtype, index and label comes back as it went in; what cannot is refused by the name of its column."""

    api_version = 1
    kind = "pandas.dataframe"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        return write_frame(value, self.kind, sink)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        return FrameReader(content, source).read(query)

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        """Add rows; the parts there are stay."""
        return append_rows(content, value, sink, source)

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:  # noqa: ARG002 - plain
        """Read some rows at a time, each time as a frame."""
        return FrameReader(content, source).batches(query)

    def part_rows(self, content: Content) -> Sequence[int]:
        """The rows of each part."""
        return rows_of_parts(content)

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:  # noqa: ARG002 - plain
        """Read some of the parts; the rows keep the labels that they have in the whole."""
        return FrameReader(content, source, parts).read(query)

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:
        """Put frames together, one after the other, sharing their parts."""
        return compose_frames(contents, sink, source)

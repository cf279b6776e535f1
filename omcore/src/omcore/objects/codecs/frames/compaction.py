"""Many small parts become one, so that a dataset that grows row by row stays quick to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.objects.codecs.frames.container import write_table
from omcore.objects.codecs.frames.filtering import describe
from omcore.objects.codecs.frames.layout import ROWS

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Part, Sink
    from omcore.objects.codecs.frames.framereader import FrameReader

SMALL_ROWS = 1 << 16
"""A part of fewer rows is small."""

MOST_SMALL = 64
"""How many small parts may be at the end."""


def compacted(reader: FrameReader, sink: Sink) -> list[Part]:
    """The parts of a frame, those small ones at the end put together where they are too many."""
    parts = reader.parts
    small = 0
    for part in reversed(parts):
        if (part.rows or 0) >= SMALL_ROWS:
            break
        small += 1
    if small < MOST_SMALL:
        return parts
    table = reader.rows.all_rows(parts[-small:], reader.stored(None)).combine_chunks()
    statistics = describe(table, reader.layout.types)
    return [*parts[:-small], write_table(table, sink, ROWS, statistics)]

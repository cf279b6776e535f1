"""Mistakes with pieces that are read alone, or put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omcore.testing.codec.saboteurs.base import Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.base import Content, Query, Sink, Source, Trust


class ReadsFromTheBeginning(Numbers):
    """Gives as many pieces as were asked for, but the first ones."""

    api_version = 1
    caught_by = "test_pieces_become_the_whole_again"

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:
        return super().decode_parts(content, source, query, trust, slice(0, parts.stop - parts.start))


class ReadsOnePieceTooMany(Numbers):
    """Takes the last piece for one that was asked for."""

    api_version = 1
    caught_by = "test_pieces_together_have_every_row_once"

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:
        return super().decode_parts(content, source, query, trust, slice(parts.start, parts.stop + 1))


class PutsTogetherBackwards(Numbers):
    """Puts the last piece first."""

    api_version = 1
    caught_by = "test_pieces_become_the_whole_again"

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:
        return super().compose(contents[::-1], sink, source)


class ForgetsToCount(Numbers):
    """Says how many rows the first piece has instead of how many all have."""

    api_version = 1
    caught_by = "test_pieces_together_have_every_row_once"

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:
        return replace(super().compose(contents, sink, source), rows=contents[0].rows)

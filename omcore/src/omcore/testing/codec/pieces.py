"""What a codec keeps whose content can be read in pieces, and put together from pieces, as tests."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Query, SupportsParts, Trust
from omcore.testing.codec.places import Parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.base import Codec, Content

ALL, SIGNED = Query(), Trust(signed=True)
FEW = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=50)


class PiecesConformance:
    """Tests for a codec that is `SupportsParts`; any other passes them."""

    def same(self, left: Any, right: Any) -> bool:
        """Say whether two values are the same."""
        raise NotImplementedError

    def test_pieces_together_have_every_row_once(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check `part_rows` and `decode_parts`: all pieces, read at once, are the whole."""
        if not isinstance(codec, SupportsParts):
            return

        def check(values: Sequence[Any]) -> None:
            parts, content = _together(codec, values)
            if content is None:
                return
            rows = codec.part_rows(content)
            assert sum(rows) == (content.rows or 0)
            whole = codec.decode(content, parts, ALL, SIGNED)
            assert self.same(whole, codec.decode_parts(content, parts, ALL, SIGNED, slice(0, len(rows))))
            for number, count in enumerate(rows):
                piece = codec.decode_parts(content, parts, ALL, SIGNED, slice(number, number + 1))
                assert (codec.encode(piece, Parts()).rows or 0) == count

        FEW(given(st.lists(examples, min_size=1, max_size=3))(check))()

    def test_pieces_become_the_whole_again(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check `compose`: what was read piece by piece and written again becomes what it was."""
        if not isinstance(codec, SupportsParts):
            return

        def check(values: Sequence[Any]) -> None:
            parts, content = _together(codec, values)
            if content is None:
                return
            numbers = range(len(codec.part_rows(content)))
            read = [codec.decode_parts(content, parts, ALL, SIGNED, slice(at, at + 1)) for at in numbers]
            again, composed = _together(codec, read)
            assert composed is not None, "pieces of one content do not fit together"
            assert composed.rows == content.rows
            whole = codec.decode(content, parts, ALL, SIGNED)
            assert self.same(whole, codec.decode(composed, again, ALL, SIGNED))

        FEW(given(st.lists(examples, min_size=1, max_size=3))(check))()


def _together(codec: Codec, values: Sequence[Any]) -> tuple[Parts, Content | None]:
    """Content that some values make, and where it is; `None` where they do not fit together."""
    parts = Parts()
    contents = [codec.encode(value, parts) for value in values]
    before, blobs = copy.deepcopy(contents), list(parts.blobs)
    if not isinstance(codec, SupportsParts):
        return parts, None
    try:
        content = codec.compose(contents, parts, parts)
    except UnsupportedTypeError:
        return parts, None
    assert contents == before, "compose changes what it is given"
    assert parts.blobs[: len(blobs)] == blobs
    return parts, content

"""The honest codec that every saboteur is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from omcore.errors import ColumnNotFoundError, CorruptBlobError, InvalidFilterError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omcore.objects.codecs.base import Part, Query, Sink, Source, Trust

ROWS = 3
"""How many numbers a part holds."""


class Numbers(Codec):
    """Keeps lists of integers, a few in each part, as JSON.

    Attributes:
        caught_by: the test of the kit that must fail.
    """

    api_version = 1
    kind = "example.numbers"
    plain = True
    caught_by: ClassVar[str]

    def encode(self, value: Any, sink: Sink) -> Content:
        if not all(type(number) is int for number in value):
            raise UnsupportedTypeError("the list holds more than integers and cannot be kept; leave out the others")
        pieces = [value[start : start + ROWS] for start in range(0, len(value), ROWS)] or [[]]
        parts = tuple(sink.add([self.write(piece)], rows=len(piece)) for piece in pieces)
        return Content(self.kind, parts, {"columns": {}}, self.details(value), len(value))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        self.check(query)
        return [number for part in content.parts for number in self.numbers(part, source)]

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:  # noqa: ARG002 - nothing to compare
        """Add numbers."""
        more = self.encode(value, sink)
        rows = (content.rows or 0) + len(value)
        details = {"count": content.details["count"] + len(value)}
        return replace(content, parts=(*content.parts, *more.parts), details=details, rows=rows)

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:  # noqa: ARG002 - plain
        """The numbers of one part after the other."""
        self.check(query)
        for part in content.parts:
            yield self.numbers(part, source)

    def part_rows(self, content: Content) -> Sequence[int]:
        """The numbers of each part."""
        return [part.rows or 0 for part in content.parts]

    def decode_parts(self, content: Content, source: Source, query: Query, trust: Trust, parts: slice) -> Any:  # noqa: ARG002 - plain
        """The numbers of some parts."""
        self.check(query)
        return [number for part in content.parts[parts] for number in self.numbers(part, source)]

    def compose(self, contents: Sequence[Content], sink: Sink, source: Source) -> Content:  # noqa: ARG002 - nothing to compare
        """Lists, one after the other."""
        rows = sum(content.rows or 0 for content in contents)
        parts = tuple(part for content in contents for part in content.parts)
        return replace(contents[0], parts=parts, details={"count": rows}, rows=rows)

    # --- what saboteurs do otherwise

    def details(self, value: list[int]) -> dict[str, Any]:
        """What stands beside the parts."""
        return {"count": len(value)}

    def write(self, piece: list[int]) -> bytes:
        """The bytes of a part."""
        return json.dumps(piece).encode()

    def read(self, data: bytes) -> Any:
        """What is in a part; may raise `ValueError`."""
        return json.loads(data)

    def numbers(self, part: Part, source: Source) -> list[int]:
        """The numbers of a part."""
        with source.open(part) as stream:
            data = stream.read()
        try:
            found = self.read(data)
        except ValueError as error:
            raise CorruptBlobError("a part holds no list of numbers; store it again") from error
        if not isinstance(found, list) or len(found) != part.rows or not all(type(each) is int for each in found):
            raise CorruptBlobError("a part holds another list than the one that was written; store it again")
        return found

    def check(self, query: Query) -> None:
        """Refuse a query."""
        if query.columns is not None:
            raise ColumnNotFoundError("a list of numbers has no columns; ask for all of it")
        if query.filter is not None:
            raise InvalidFilterError("a list of numbers has no rows to filter; ask for all of it")

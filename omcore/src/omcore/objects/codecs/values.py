"""JSON values and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.exact_json import dump, load
from omcore.objects.codecs.reading import malformed, only_part, pieces, read_part, refuse_query
from omcore.sentences import reason

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Query, Sink, Source, Trust


class JsonCodec(Codec):
    """`None`, bool, int, float, str, and lists and dicts of them; what JSON would change is refused by its place.

    A float may be NaN or infinite; an int may be of any size up to Python's limit of 4300 digits. Tuples, keys that
    are no text, text with lone surrogates and subclasses of the types above are refused.
    """

    api_version = 1
    kind = "json.value"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        data = dump(value)
        return Content(self.kind, (sink.add([data]),), {"columns": {}, "type": type(value).__name__})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        try:
            return load(read_part(source, only_part(content)))
        except ValueError as error:
            raise malformed(self.kind, reason(error)) from error


class BytesCodec(Codec):
    """Bytes, as they are."""

    api_version = 1
    kind = "bytes"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        if type(value) is not bytes:
            message = f"a {type(value).__name__} cannot be kept as bytes; convert it with bytes(...) first"
            raise UnsupportedTypeError(message)
        return Content(self.kind, (sink.add(pieces(value)),), {"columns": {}})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        return read_part(source, only_part(content))

"""Small values inside a task: a plain codec's parts and details in one piece of bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from omcore.errors import CorruptBlobError, UntrustedError
from omcore.objects.codecs.base import Content, Part, Query, Trust
from omcore.objects.codecs.memory import MemorySink, MemorySource

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Codec

_LENGTH = 4
_EVERYTHING = Query()
_NOTHING = Trust()


def encode_inline(value: Any, codec: Codec) -> tuple[str, bytes]:
    """Write a value as its kind and bytes.

    Raises:
        UntrustedError: the codec is not plain, so that its bytes may not travel in a task.
        UnsupportedTypeError: the codec cannot keep the value.
    """
    _check(codec)
    sink = MemorySink()
    content = codec.encode(value, sink)
    parts = [[part.size, part.name, part.rows, int(part.digest)] for part in content.parts]
    header = json.dumps([parts, content.details, content.rows], separators=(",", ":")).encode()
    return content.kind, b"".join((len(header).to_bytes(_LENGTH, "little"), header, *sink.blobs))


def decode_inline(kind: str, data: bytes, codec: Codec) -> Any:
    """Read a value that `encode_inline` wrote.

    Raises:
        UntrustedError: the codec is not plain, or is not the kind's.
        CorruptBlobError: the bytes are not such a value.
    """
    _check(codec)
    if codec.kind != kind:
        message = f"a value of kind {kind!r} came for a codec of {codec.kind!r}; ask for the kind's own codec"
        raise UntrustedError(message)
    content, blobs = _unpack(kind, data)
    return codec.decode(content, MemorySource(blobs), _EVERYTHING, _NOTHING)


def _unpack(kind: str, data: bytes) -> tuple[Content, list[bytes]]:
    start = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    try:
        described, details, rows = json.loads(data[_LENGTH:start])
        parts = tuple(Part(str(ordinal), size, name, rows) for size, name, rows, ordinal in described)
        blobs: dict[int, bytes] = {}
        for part in sorted(parts, key=lambda part: int(part.digest)):
            blobs[int(part.digest)] = data[start : start + part.size]
            start += part.size
    except (ValueError, TypeError, RecursionError) as error:
        raise _unreadable(kind) from error
    if start != len(data) or list(blobs) != list(range(len(parts))) or not isinstance(details, dict):
        raise _unreadable(kind)
    return Content(kind, parts, details=details, rows=rows), list(blobs.values())


def _unreadable(kind: str) -> CorruptBlobError:
    return CorruptBlobError(f"the bytes of an inline {kind!r} are not whole; send the value again")


def _check(codec: Codec) -> None:
    if not codec.plain:
        message = f"a {codec.kind!r} is loaded by running code and may not travel in a task; store it and send its name"
        raise UntrustedError(message)

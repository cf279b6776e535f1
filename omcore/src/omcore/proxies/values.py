"""Arguments and results on their way between client and worker.

Small values travel in the task, large ones are staged as blobs in the store, and what is stored already is pinned.
Only plain kinds travel: reading one runs no code.
"""

from __future__ import annotations

import base64
import math
import re
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from omcore.errors import CorruptBlobError, UnsupportedTypeError
from omcore.objects.codecs.base import Content, Part, Query, Trust
from omcore.objects.codecs.rules import read_value
from omcore.objects.parts import BlobSource
from omcore.runtimes.task import INLINE, EncodedValue, JsonValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from omcore.objects.registry import CodecRegistry
    from omcore.storage.backend import StorageBackend

LARGEST_INLINE = 64 << 10
"""Bytes of a value that travel in the task itself; more are staged."""

_LARGEST_EXACT = 1 << 53
_HALF = re.compile("[\ud800-\udfff]")
"""Half a character, which UTF-8 has no form for."""


class _Sink:
    """Keeps small parts in hand and stages the rest."""

    def __init__(self, storage: StorageBackend) -> None:
        self._storage = storage
        self._room = LARGEST_INLINE
        self.inline: list[str] = []

    def add(
        self,
        chunks: Iterable[bytes | bytearray | memoryview],
        *,
        name: str = "",
        rows: int | None = None,
        statistics: Mapping[str, Any] | None = None,
    ) -> Part:
        stream = iter(chunks)
        held = bytearray()
        for chunk in stream:
            held += chunk
            if len(held) > self._room:
                info = self._storage.write_blob(chain([held], stream))
                return Part(info.digest, info.size, name, rows, statistics or {})
        self._room -= len(held)
        self.inline.append(base64.b64encode(held).decode("ascii"))
        return Part(f"{INLINE}{len(self.inline) - 1}", len(held), name, rows, statistics or {})


class _Source:
    """Reads parts from hand or from the store."""

    def __init__(self, storage: StorageBackend, inline: tuple[str, ...]) -> None:
        self._storage = storage
        self._inline = inline

    def open(self, part: Part) -> BinaryIO:
        if not part.digest.startswith(INLINE):
            return self._storage.open_blob(part.digest)
        try:
            return BytesIO(base64.b64decode(self._inline[int(part.digest.removeprefix(INLINE))]))
        except (ValueError, IndexError) as error:
            message = f"a value that came with a task has no readable part {part.digest!r}; submit the task again"
            raise CorruptBlobError(message) from error

    def path(self, part: Part, *, whole: bool = True) -> Path | None:
        return None if part.digest.startswith(INLINE) else BlobSource(self._storage).path(part, whole=whole)


class ValueCoder:
    """Encodes and decodes the values of one context's tasks."""

    def __init__(self, codecs: CodecRegistry, storage: StorageBackend) -> None:
        self._codecs = codecs
        self._storage = storage

    def encode(self, value: Any) -> JsonValue | EncodedValue:
        """A value as data.

        Raises:
            UnsupportedTypeError: no codec takes it, or its kind could run code when read.
        """
        if _is_scalar(value):
            return JsonValue(value=value)
        codec = self._codecs.for_value(value, "datasets")
        if not codec.plain:
            message = (
                f"a {type(value).__name__} cannot travel in a task: its kind {codec.kind!r} is not plain data; "
                f"store it and give its name"
            )
            raise UnsupportedTypeError(message)
        sink = _Sink(self._storage)
        content = codec.encode(value, sink)
        return EncodedValue(kind=content.kind, content=_to_json(content), inline=tuple(sink.inline))

    def wrap(self, content: Content) -> EncodedValue:
        """A value whose parts are in the storage already."""
        return EncodedValue(kind=content.kind, content=_to_json(content))

    def content(self, value: EncodedValue) -> Content:
        """What a codec needs to read a value, whose parts must all be in the storage.

        Raises:
            CorruptBlobError: it has not the form of one, or some parts travel along.
        """
        if value.inline:
            message = f"a value of kind {value.kind!r} was to be in the storage and came along; submit the task again"
            raise CorruptBlobError(message)
        return _content(value)

    def decode(self, value: JsonValue | EncodedValue) -> Any:
        """The value that was encoded."""
        if isinstance(value, JsonValue):
            return value.value
        codec = self._codecs.for_kind(value.kind)
        if not codec.plain:
            message = f"a value of kind {value.kind!r} came with a task and was refused: it is not plain data"
            raise UnsupportedTypeError(message)
        return read_value(codec, _content(value), _Source(self._storage, value.inline), Query(), Trust())


def _is_scalar(value: Any) -> bool:
    """Whether a value comes out of JSON as it went in; exact types only, since a subclass would be lost."""
    kind = type(value)
    if kind is int:
        return bool(-_LARGEST_EXACT <= value <= _LARGEST_EXACT)
    if kind is str:
        return len(value) <= LARGEST_INLINE and not _HALF.search(value)
    return value is None or kind is bool or (kind is float and math.isfinite(value))


def _to_json(content: Content) -> dict[str, Any]:
    """As `dataclasses.asdict`, without its copies, which would cost more than all the rest of a small value."""
    parts = [
        {
            "digest": part.digest,
            "size": part.size,
            "name": part.name,
            "rows": part.rows,
            "statistics": dict(part.statistics),
        }
        for part in content.parts
    ]
    return {"parts": parts, "schema": dict(content.schema), "details": dict(content.details), "rows": content.rows}


def _content(value: EncodedValue) -> Content:
    try:
        parts = tuple(Part(**part) for part in value.content["parts"])
        return Content(**{**value.content, "parts": parts, "kind": value.kind})
    except (KeyError, TypeError) as error:
        message = f"a value of kind {value.kind!r} came with a task in a form that cannot be read ({error})"
        raise CorruptBlobError(message) from error

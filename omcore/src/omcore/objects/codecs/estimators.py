"""scikit-learn estimators and pipelines, and others' that derive from its base class.

Two kinds. `sklearn.estimator` is a pickle: fast, and loaded under the reader's rules (see `loaders`). `sklearn.skops`
holds no pickle: slower, and for readers that trust none.
"""

from __future__ import annotations

import mmap
import struct
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from omcore.objects.codecs import loaders
from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.reading import from_file, malformed, only_part, pieces, read_into, refuse_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from omcore.objects.codecs.base import Part, Query, Sink, Source, Trust

_MAGIC = b"omcore\x00\x05"
_HEAD = struct.Struct("<8sQQ")
_ALIGNMENT = 64
"""Bytes: buffers begin where the vector instructions of today's processors like it."""

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas")


class EstimatorCodec(Codec):
    """A pickle of protocol 5, its arrays beside it without a copy; a reader maps them from a local file."""

    api_version = 1
    kind = "sklearn.estimator"
    plain = False

    def encode(self, value: Any, sink: Sink) -> Content:
        pickled = loaders.dump(value)
        part = sink.add(_packed(pickled.data, pickled.buffers))
        found = sorted(f"{module}.{name}" for module, name in pickled.globals)
        return Content(self.kind, (part,), _schema(value), {"globals": found, "releases": dict(_releases())})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        if query:
            refuse_query(self.kind, query)
        data, buffers = _unpacked(_memory(only_part(content), source), self.kind)
        return loaders.load(data, buffers, trust, f"the {self.kind}")


class SkopsCodec(Codec):
    """An archive of skops: no pickle in it, and only types that the reader allows are made."""

    api_version = 1
    kind = "sklearn.skops"
    plain = False

    def encode(self, value: Any, sink: Sink) -> Content:
        data = loaders.dump_skops(value)
        return Content(self.kind, (sink.add(pieces(data)),), _schema(value), {"releases": dict(_releases())})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        if query:
            refuse_query(self.kind, query)
        with source.open(only_part(content)) as stream:
            return loaders.load_skops(stream.read(), trust, f"the {self.kind}")


def _schema(value: Any) -> dict[str, Any]:
    cls = type(value)
    names = getattr(value, "feature_names_in_", None)
    schema = {"type": f"{cls.__module__}.{cls.__qualname__}", "features": getattr(value, "n_features_in_", None)}
    schema["feature_names"] = None if names is None else [str(name) for name in names]
    return {key: int(found) if key == "features" else found for key, found in schema.items() if found is not None}


@cache
def _releases() -> Mapping[str, str]:
    """What this process runs on; read from files of many lines, so once is enough."""
    found = {"python": python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return MappingProxyType(found)


def _packed(data: bytes, buffers: Sequence[memoryview]) -> Iterator[memoryview]:
    """Head, lengths of the buffers, pickle, and the buffers, each where it is aligned."""
    yield memoryview(_HEAD.pack(_MAGIC, len(data), len(buffers)))
    yield memoryview(struct.pack(f"<{len(buffers)}Q", *(buffer.nbytes for buffer in buffers)))
    yield memoryview(data)
    end = _HEAD.size + 8 * len(buffers) + len(data)
    for buffer in buffers:
        gap = -end % _ALIGNMENT
        yield memoryview(bytes(gap))
        yield from pieces(buffer)
        end += gap + buffer.nbytes


def _unpacked(memory: memoryview, kind: str) -> tuple[memoryview, list[memoryview]]:
    if len(memory) < _HEAD.size:
        raise malformed(kind, "it is too short")
    magic, length, count = _HEAD.unpack_from(memory)
    start = _HEAD.size + 8 * count
    if magic != _MAGIC or start + length > len(memory):
        raise malformed(kind, "its head is not that of one")
    lengths = struct.unpack_from(f"<{count}Q", memory, _HEAD.size)
    buffers, end = [], start + length
    for size in lengths:
        begin = end + -end % _ALIGNMENT
        end = begin + size
        buffers.append(memory[begin:end])
    if end != len(memory):
        raise malformed(kind, f"it has {len(memory)} bytes where there should be {end}")
    return memory[start : start + length], buffers


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _memory(part: Part, source: Source) -> memoryview:
    """A part in memory that may be written to: mapped from its file, which stays as it is, or read."""
    found = from_file(source, part, _mapped) if part.size else None
    if found is not None:
        return found
    data = memoryview(bytearray(part.size))
    with source.open(part) as stream:
        read_into(stream, data)
    return data

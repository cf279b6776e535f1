"""Stores to try, a codec small enough to read, and storages that count or fail."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from omcore.objects.codecs.base import Codec, CodecEntry, Content
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.filters import Condition, conditions
from omcore.objects.registry import CodecRegistry
from omcore.objects.store import ObjectStore, TrustRules
from omcore.signing import Key, KeyRing
from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from omcore.objects.codecs.base import Part, Query, Sink, Source, Trust
    from omcore.objects.events import Dropped, Putting, Stored
    from omcore.storage.backend import Change, Record, StorageBackend


class Lines(list[str]):
    """Rows of text: a dataset of one column called `text`."""


class LinesCodec(Codec):
    """Keeps `Lines`, one part a put; can append and be read in batches."""

    api_version = 1
    kind = "test.lines"
    plain = True

    def encode(self, value: Any, sink: Sink) -> Content:
        return self._content((self._part(value, sink),))

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        return self._content((*content.parts, self._part(value, sink)))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        return Lines(line for batch in self.batches(content, source, query, trust) for line in batch)

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:
        for part in content.parts:
            with source.open(part) as file:
                yield Lines(line for line in json.load(file) if _fits(line, query))

    def _part(self, value: Lines, sink: Sink) -> Part:
        return sink.add([json.dumps(value).encode()], rows=len(value))

    def _content(self, parts: tuple[Part, ...]) -> Content:
        rows = sum(part.rows or 0 for part in parts)
        return Content(self.kind, parts, {"columns": {"text": "string"}}, {"parts": len(parts)}, rows)


def _fits(line: str, query: Query) -> bool:
    asked = conditions(query.filter) if query.filter else []
    return all(_holds(line, condition) for condition in asked)


def _holds(line: str, condition: Condition) -> bool:
    operators: Mapping[str, Callable[[str, Any], bool]] = {"eq": str.__eq__, "startswith": str.startswith}
    return operators[condition.operator](line, condition.value) is not condition.negated


@dataclass
class Events:
    """Remembers what it was told; `veto` is raised before a put."""

    told: list[Putting | Stored | Dropped] = field(default_factory=list)
    veto: Exception | None = None

    def veto_put(self, event: Putting) -> None:
        self.told.append(event)
        if self.veto is not None:
            raise self.veto

    def tell_put(self, event: Stored) -> None:
        self.told.append(event)

    def tell_drop(self, event: Dropped) -> None:
        self.told.append(event)


class CountingStorage(MemoryStorage):
    """Counts the calls of its methods."""

    def __init__(self) -> None:
        super().__init__(MemoryOptions(), Place("test", None))  # type: ignore[arg-type]
        self.calls: Counter[str] = Counter()

    def get_record(self, key: str) -> Record | None:
        self.calls["get_record"] += 1
        return super().get_record(key)

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Any] | None = None,
        after: str | None = None,
        limit: int = 1000,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        self.calls["find_records"] += 1
        return super().find_records(prefix, where, after, limit, fields)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        self.calls["commit"] += 1
        return super().commit(changes)

    def write_blob(self, chunks: Any) -> Any:
        self.calls["write_blob"] += 1
        return super().write_blob(chunks)

    def open_blob(self, digest: str) -> Any:
        self.calls["open_blob"] += 1
        return super().open_blob(digest)


LINES = CodecEntry(
    "test.lines", f"{LinesCodec.__module__}:LinesCodec", (f"{Lines.__module__}.Lines",), frozenset({"datasets"})
)
KEY = Key.of(b"a key for the tests, not a secret")


@dataclass
class Shop:
    """Opens stores; `lines` is the class of values that can be appended to."""

    storage: StorageBackend
    events: Events = field(default_factory=Events)
    lines: type[Lines] = Lines
    entries: tuple[CodecEntry, ...] = (LINES, *BUILTIN)

    def __call__(
        self,
        store: str = "datasets",
        bucket: str = "omega",
        *,
        storage: StorageBackend | None = None,
        keys: KeyRing | None = None,
        trust: TrustRules | None = None,
    ) -> ObjectStore:
        ring = KeyRing(KEY) if keys is None else keys
        codecs = CodecRegistry(self.entries)
        kept = storage or self.storage
        rules = trust or TrustRules()
        return ObjectStore(store, bucket, "test", kept, codecs, ring, self.events, rules, "ann@desk")


@pytest.fixture
def memory() -> Iterator[CountingStorage]:
    with CountingStorage() as storage:
        yield storage


@pytest.fixture(params=["memory", "embedded"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorageBackend]:
    """Each of the core's storages."""
    place = Place("test", tmp_path)
    opened: StorageBackend
    if request.param == "memory":
        opened = MemoryStorage(MemoryOptions(), place)
    else:
        opened = EmbeddedStorage(EmbeddedOptions(durability="process"), place)
    with opened:
        yield opened


@pytest.fixture
def shop(memory: CountingStorage) -> Shop:
    """Opens stores on a storage in memory that counts."""
    return Shop(memory)


@pytest.fixture
def both(storage: StorageBackend) -> Shop:
    """Opens stores on each of the core's storages."""
    return Shop(storage)

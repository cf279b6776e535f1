"""Stores in contexts of their own, each with a storage and a key of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omcore.errors import UntrustedError
from omcore.objects.codecs.base import Codec, CodecEntry, Content, Query, Sink, Source, Trust
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.registry import CodecRegistry
from omcore.objects.store import ObjectStore, TrustRules
from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omcore.objects.events import Dropped, Putting, Stored
    from omcore.promotion.events import Promoted, Promoting
    from omcore.signing import KeyRing
    from omcore.storage.backend import StorageBackend


@dataclass(frozen=True)
class Gadget:
    """An object whose kind runs code when it is read, and has several parts."""

    parts: tuple[bytes, ...]


class GadgetCodec(Codec):
    api_version = 1
    kind = "test.gadget"
    plain = False

    def encode(self, value: Gadget, sink: Sink) -> Content:
        return Content(self.kind, tuple(sink.add([part], name=str(index)) for index, part in enumerate(value.parts)))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Gadget:
        if not trust.signed:
            raise UntrustedError("a gadget needs a signature")
        return Gadget(tuple(source.open(part).read() for part in content.parts))


@dataclass(frozen=True)
class Note:
    """An object whose kind is plain to read."""

    text: str


class NoteCodec(Codec):
    api_version = 1
    kind = "test.note"
    plain = True

    def encode(self, value: Note, sink: Sink) -> Content:
        return Content(self.kind, (sink.add([value.text.encode()]),))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Note:
        return Note(source.open(content.parts[0]).read().decode())


NOTE = CodecEntry("test.note", f"{__name__}:NoteCodec", (f"{__name__}.Note",), frozenset({"scripts"}))
GADGET = CodecEntry("test.gadget", f"{__name__}:GadgetCodec", (f"{__name__}.Gadget",), frozenset({"models"}))


@dataclass
class Log:
    """A plugin host that remembers what it was told."""

    told: list[Any] = field(default_factory=list)

    def veto_put(self, event: Putting) -> None:
        self.told.append(event)

    def tell_put(self, event: Stored) -> None:
        self.told.append(event)

    def tell_drop(self, event: Dropped) -> None:
        self.told.append(event)

    def veto_promotion(self, event: Promoting) -> None:
        self.told.append(event)

    def tell_promotion(self, event: Promoted) -> None:
        self.told.append(event)


@dataclass(frozen=True)
class Context:
    """One context: `of(...)` opens a store of it."""

    name: str
    storage: StorageBackend
    keys: KeyRing
    log: Log = field(default_factory=Log)

    def of(self, store: str = "models", bucket: str = "omega", keys: KeyRing | None = None) -> ObjectStore:
        ring = self.keys if keys is None else keys
        codecs = CodecRegistry([GADGET, NOTE, *BUILTIN])
        rules = TrustRules()
        return ObjectStore(store, bucket, self.name, self.storage, codecs, ring, self.log, rules, f"ann@{self.name}")


BACKENDS: dict[str, Callable[[Path, str], StorageBackend]] = {
    "memory": lambda folder, name: MemoryStorage(MemoryOptions(), Place(name, folder)),
    "embedded": lambda folder, name: EmbeddedStorage(EmbeddedOptions(durability="process"), Place(name, folder)),
}

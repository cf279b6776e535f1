"""A codec that was made for a storage may use what that storage offers beyond blobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pytest

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Codec, CodecEntry, Content, Query, Sink, Source, Trust, native
from omcore.objects.codecs.memory import MemorySink, MemorySource
from omcore.objects.registry import CodecRegistry
from omcore.objects.store import ObjectStore, TrustRules
from omcore.promotion.promote import promote
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.cached import cached
from omcore.storage.memory import MemoryOptions, MemoryStorage
from tests.core.promotion.world import Log

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.storage.backend import StorageBackend

T = TypeVar("T")


class Drawer(dict[str, str]):
    """What the storage offers."""


class DrawerStorage(MemoryStorage):
    """Has a drawer."""

    def __init__(self, options: MemoryOptions, place: Place) -> None:
        super().__init__(options, place)
        self.drawer = Drawer()

    def native(self, kind: type[T]) -> T | None:
        return self.drawer if isinstance(self.drawer, kind) else None


@dataclass(frozen=True)
class Letter:
    text: str


class LetterCodec(Codec):
    """Puts letters into the drawer."""

    api_version = 1
    kind = "test.letter"
    plain = True

    def encode(self, value: Letter, sink: Sink) -> Content:
        part = sink.add([b"in the drawer"])
        drawer(sink)[part.digest] = value.text
        return Content(self.kind, (part,))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Letter:
        return Letter(drawer(source)[content.parts[0].digest])

    def transfer(self, content: Content, source: Source, sink: Sink, *, dry_run: bool) -> None:
        target, digest = drawer(sink), content.parts[0].digest
        if not dry_run:
            target[digest] = drawer(source)[digest]


def drawer(place: Sink | Source) -> Drawer:
    found = native(place, Drawer)
    if found is None:
        raise UnsupportedTypeError("a letter needs a drawer; store its text")
    return found


LETTER = CodecEntry("test.letter", f"{__name__}:LetterCodec", (f"{__name__}.Letter",), frozenset({"datasets"}))


def store(storage: StorageBackend, name: str = "dev") -> ObjectStore:
    codecs = CodecRegistry([LETTER])
    return ObjectStore("datasets", "omega", name, storage, codecs, KeyRing(), Log(), TrustRules(), "ann@here")


def opened(kind: type[MemoryStorage], folder: Path) -> MemoryStorage:
    return kind(MemoryOptions(), Place("dev", folder))


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "cached"])
def test_a_codec_reaches_what_its_storage_offers_through_whatever_wraps_it(tmp_path: Path, wrapped: bool) -> None:
    inner = opened(DrawerStorage, tmp_path)
    letters = store(cached(inner, tmp_path / "cache", 1 << 20) if wrapped else inner)
    letters.put(Letter("dear Ann"), "mail")
    assert letters.get("mail") == letters.getl("mail").get() == Letter("dear Ann")


def test_another_storage_offers_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedTypeError, match="needs a drawer"):
        store(opened(MemoryStorage, tmp_path)).put(Letter("dear Ann"), "mail")
    assert native(MemorySink(), Drawer) is native(MemorySource([]), Drawer) is None


def test_a_promotion_brings_what_is_in_no_blob(tmp_path: Path) -> None:
    letters = store(opened(DrawerStorage, tmp_path / "a"))
    letters.put(Letter("dear Ann"), "mail")
    target = store(opened(DrawerStorage, tmp_path / "b"), "prod")
    promote(letters, "mail", target, [], events=Log(), dry_run=True)
    assert not native_of(target)
    promote(letters, "mail", target, [], events=Log())
    native_of(letters).clear()
    assert target.get("mail") == Letter("dear Ann")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_promotion_to_where_it_cannot_be_is_refused(tmp_path: Path, dry_run: bool) -> None:
    letters = store(opened(DrawerStorage, tmp_path / "a"))
    letters.put(Letter("dear Ann"), "mail")
    target = store(opened(MemoryStorage, tmp_path / "b"), "prod")
    with pytest.raises(UnsupportedTypeError, match="needs a drawer"):
        promote(letters, "mail", target, [], events=Log(), dry_run=dry_run)
    assert target.list() == []


def native_of(letters: ObjectStore) -> Drawer:
    found = letters.storage.native(Drawer)
    assert found is not None
    return found

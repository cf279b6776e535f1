"""What a storage offers beyond blobs goes along, and bytes that both storages share are not copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import PluginNotFoundError, UnsupportedTypeError
from omcore.migration import Side, make_plan
from omcore.objects.registry import CodecRegistry
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage
from tests.core.codecs.test_native_codecs import LETTER, Drawer, DrawerStorage, Letter, store

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from omcore.storage.backend import StorageBackend


class Neighbour(DrawerStorage):
    """Has its bytes where all of its kind have theirs."""

    def share_blobs(self, digests: Collection[str], other: StorageBackend) -> frozenset[str]:
        assert isinstance(other, Neighbour)
        for digest in other.have_blobs(digests):
            with other.open_blob(digest) as file:
                super().write_blob([file.read()])
        return self.have_blobs(digests)


def opened(kind: type[MemoryStorage], folder: Path) -> MemoryStorage:
    return kind(MemoryOptions(), Place("dev", folder))


def side(storage: StorageBackend, known: bool = True) -> Side:
    return Side("dev", storage, KeyRing(), CodecRegistry([LETTER] if known else []))


@pytest.fixture
def source(tmp_path: Path) -> MemoryStorage:
    storage = opened(Neighbour, tmp_path)
    store(storage).put(Letter("dear Ann"), "mail")
    return storage


def test_a_migration_brings_what_is_in_no_blob(source: MemoryStorage, tmp_path: Path) -> None:
    target = opened(DrawerStorage, tmp_path)
    plan = make_plan(side(source), side(target))
    assert target.native(Drawer) == {}
    plan.run()
    assert store(target).get("mail") == Letter("dear Ann")


def test_what_cannot_be_there_is_refused_before_anything_is_copied(source: MemoryStorage, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"version 1 of 'mail' in datasets.*needs a drawer"):
        make_plan(side(source), side(opened(MemoryStorage, tmp_path)))


def test_a_kind_that_nobody_knows_is_refused_before_anything_is_copied(source: MemoryStorage, tmp_path: Path) -> None:
    with pytest.raises(PluginNotFoundError, match=r"test\.letter"):
        make_plan(side(source), side(opened(DrawerStorage, tmp_path), known=False))


def test_bytes_that_are_shared_are_not_copied(source: MemoryStorage, tmp_path: Path) -> None:
    target = opened(Neighbour, tmp_path)
    done = make_plan(side(source), side(target)).run()
    assert [(each.state, each.versions, each.blobs) for each in done.objects] == [("new", 1, 0)]
    assert store(target).get("mail") == Letter("dear Ann")

"""What a storage offers beyond blobs goes along, and bytes that both storages share are not copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import InvalidArgumentError, MigrationRefusedError
from omcore.migration import Side, make_plan
from omcore.objects.registry import CodecRegistry
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage
from tests.core.codecs.test_native_codecs import LETTER, Drawer, DrawerStorage, Letter, store
from tests.core.promotion.world import NOTE, Context, Note

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from omcore.objects.store import ObjectStore
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
    return Side("dev", storage, KeyRing(), CodecRegistry([LETTER, NOTE] if known else []))


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
    with pytest.raises(MigrationRefusedError, match=r"version 1 of 'mail' in datasets.*needs a drawer"):
        make_plan(side(source), side(opened(MemoryStorage, tmp_path)))


def test_a_kind_that_nobody_knows_is_refused_before_anything_is_copied(source: MemoryStorage, tmp_path: Path) -> None:
    with pytest.raises(MigrationRefusedError, match=r"test\.letter"):
        make_plan(side(source), side(opened(DrawerStorage, tmp_path), known=False))


def test_bytes_that_are_shared_are_not_copied(source: MemoryStorage, tmp_path: Path) -> None:
    target = opened(Neighbour, tmp_path)
    done = make_plan(side(source), side(target)).run()
    assert [(each.state, each.versions, each.blobs) for each in done.objects] == [("new", 1, 0)]
    assert store(target).get("mail") == Letter("dear Ann")


# --- what is left out


def notes(storage: StorageBackend) -> ObjectStore:
    return Context("dev", storage, KeyRing()).of("scripts")


@pytest.fixture
def several(source: MemoryStorage) -> MemoryStorage:
    for name in ("dropped", "post/it"):
        store(source).put(Letter(name), name)
    store(source).drop("dropped")
    notes(source).put(Note("mine"), "plain")
    return source


def test_all_that_cannot_go_is_named_with_its_reason_also_what_was_dropped(
    several: MemoryStorage, tmp_path: Path
) -> None:
    target = opened(MemoryStorage, tmp_path)
    notes(target).put(Note("yours"), "plain")
    with pytest.raises(MigrationRefusedError, match="4 objects of 'dev' cannot go to 'dev'") as caught:
        make_plan(side(several), side(target))
    for name in ("dropped", "mail", "post/it"):
        assert f"omega/datasets/{name}: version 1 of {name!r} in datasets" in str(caught.value)
    assert "omega/scripts/plain: scripts of" in str(caught.value)
    assert "om migrate --skip omega/datasets/dropped, in Python skip=['omega/datasets/dropped']" in str(caught.value)


@pytest.mark.parametrize(
    "skip",
    [
        ["datasets/mail", "omega/datasets/dropped", "datasets/post/it"],
        ["datasets/[dm]*", "omega/*/it"],
        ["datasets/post*", "datasets/mail", "*/dropped"],
    ],
    ids=["names", "patterns", "both"],
)
def test_what_is_left_out_stays_behind_and_the_report_says_so(
    several: MemoryStorage, tmp_path: Path, skip: list[str]
) -> None:
    target = opened(MemoryStorage, tmp_path)
    done = make_plan(side(several), side(target), skip=skip).run()
    assert (store(target).list(), notes(target).get("plain")) == ([], Note("mine"))
    assert done.skipped == [f"omega/datasets/{name}" for name in ("dropped", "mail", "post/it")]
    assert done.rows()[-1].items() >= {"objects": 4, "copied": 1, "there_already": 0, "left_out": 3}.items()
    assert str(done).endswith("; 3 left out: 'omega/datasets/dropped', 'omega/datasets/mail', 'omega/datasets/post/it'")
    again = make_plan(side(several), side(target), skip=skip)
    assert again.run().rows()[-1].items() >= {"copied": 0, "there_already": 1, "left_out": 3}.items()


def test_to_leave_out_what_is_not_there_is_a_mistake(several: MemoryStorage, tmp_path: Path) -> None:
    target = opened(MemoryStorage, tmp_path)
    with pytest.raises(InvalidArgumentError, match=r"no object 'datasets/mial' .*did you mean 'datasets/mail'\?"):
        make_plan(side(several), side(target), skip=["datasets/*", "datasets/mial"])

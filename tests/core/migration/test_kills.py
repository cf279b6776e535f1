"""A migration that is killed at any of its writes leaves whole objects only, and goes on when it is run again."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from omcore.migration import moving
from omcore.objects.retention import purge
from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.gc import collect
from tests.core.migration.sides import dev, migrate, picture, prod
from tests.core.promotion.world import BACKENDS, Context, Gadget, Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from omcore.storage.backend import BlobInfo, Change

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class Dying(EmbeddedStorage):
    """Kills its process at the moment that is chosen: before, within or after one of its writes."""

    left = 0

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        return super().write_blob(self._watched(chunks))

    def _watched(self, chunks: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes | bytearray | memoryview]:
        for chunk in chunks:
            yield chunk
            self._step()

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        self._step()
        done = super().commit(changes)
        self._step()
        return done


def target(folder: Path, left: int = 0) -> Context:
    storage = Dying(EmbeddedOptions(durability="process"), Place("prod", folder / "prod"))
    storage.left = left
    return prod(storage)


def killed(source: Context, folder: Path, left: int) -> bool:
    """Migrate in a process that dies at one of its writes; whether it did, or was done before."""
    child = os.fork()
    if child == 0:  # pragma: no cover -- the child is not measured
        status = 1
        try:
            migrate(source, target(folder, left))
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, -signal.SIGKILL}
    return status != 0


def fill(source: Context) -> None:
    for number in range(7):
        source.of("models").put(Gadget((b"shared", b"%d" % number * 700_000)), "gadget")
    source.of("scripts", "b").put(Note("text"), "note")


def check_whole(source: Context, folder: Path) -> None:
    """What is to be seen in the target is as it is, or was, in the source."""
    ours, there = picture(source), target(folder)
    for key, (head, history, _, values) in picture(there).items():
        assert ours[key][1][: len(history)] == history
        if head["live"]:
            assert values.items() >= {(head["current"], ours[key][3][head["current"]])}
            assert {number: ours[key][3][number] for number in values} == values
    there.storage.close()


@pytest.mark.parametrize("batch", [3, 200])
def test_killed_at_every_write_in_turn_it_ends_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(moving, "BATCH", batch)
    with BACKENDS["embedded"](tmp_path / "dev", "dev") as storage:
        source = dev(storage)
        fill(source)
        kills = 0
        while killed(source, tmp_path, left=2 if kills % 2 else 1):
            kills += 1
            check_whole(source, tmp_path)
            assert kills < 200
        assert kills > 5
        there = target(tmp_path)
        assert picture(there) == picture(source)
        there.storage.close()


def test_a_kill_at_any_write_of_the_first_run_is_mended_by_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 3)
    with BACKENDS["embedded"](tmp_path / "dev", "dev") as storage:
        source = dev(storage)
        fill(source)
        left = 1
        while killed(source, tmp_path / str(left), left):
            check_whole(source, tmp_path / str(left))
            there = target(tmp_path / str(left))
            migrate(source, there)
            assert picture(there) == picture(source)
            there.storage.close()
            left += 3
        assert left > 10


def test_an_object_of_which_not_all_is_there_is_nobodys_and_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target may be in use: no number of a half-migrated object is in the way of a writer."""
    monkeypatch.setattr(moving, "BATCH", 3)
    with BACKENDS["embedded"](tmp_path / "dev", "dev") as storage:
        source = dev(storage)
        for number in range(7):
            source.of("models").put(Gadget((b"%d" % number,)), "gadget")
        assert killed(source, tmp_path, left=9)  # seven blobs, and after the first batch
        there = target(tmp_path)
        assert there.of().list() == []
        assert there.of().put(Gadget((b"mine",)), "gadget").version > 1
        assert there.of().get("gadget") == Gadget((b"mine",))
        there.storage.close()


def test_what_was_collected_of_a_half_migrated_object_is_brought_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 3)
    with BACKENDS["embedded"](tmp_path / "dev", "dev") as storage:
        source = dev(storage)
        for number in range(7):
            source.of("models").put(Gadget((b"%d" % number,)), "gadget")
        assert killed(source, tmp_path, left=9)
        there = target(tmp_path)
        assert list(purge(there.storage, datetime.now(UTC) + timedelta(days=1), "ann@prod"))
        collect(there.storage, timedelta(days=-1))
        migrate(source, there)
        assert picture(there) == picture(source)
        there.storage.close()

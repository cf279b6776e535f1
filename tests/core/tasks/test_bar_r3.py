"""R3: a task that kills its workers is lost after exactly as many as it may have, and the others finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskLostError
from omcore.runtimes import lease
from omcore.runtimes.task import State

from .harness import body_of, opened, put_script, until

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.storage.backend import Body

KILLER = """
import os, signal
def run(om, path):
    with open(path, "a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""
HARMLESS = "def run(om, number): return number\n"


def starts(path: Path) -> int:
    return len(path.read_text()) if path.exists() else 0


@pytest.fixture
def killer(tmp_path: Path) -> Path:
    return tmp_path / "starts"


def submit(om: Omega, folder: Path, path: Path, deliveries: int) -> Handle:
    put_script(om, folder, "killer", KILLER, task={"deliveries": deliveries})
    handle: Handle = om.runtime.script("killer").run(str(path))
    return handle


def test_the_harness_catches_deaths_that_nobody_counts(
    tmp_path: Path, killer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bereft = lease.bereft

    def forgetful(body: Body, publisher: str, now: float) -> Body:
        return {**bereft(body, publisher, now), "deaths": body["deaths"]}

    monkeypatch.setattr(lease, "bereft", forgetful)
    with opened(tmp_path, workers=1) as om:
        handle = submit(om, tmp_path, killer, 2)
        until(lambda: starts(killer) > body_of(om, handle)["deliveries"])
        handle.cancel()


def test_a_task_that_kills_its_workers_ends_and_the_others_finish(tmp_path: Path, killer: Path, scale: int) -> None:
    with opened(tmp_path) as om:
        put_script(om, tmp_path, "harmless", HARMLESS)
        killers = [submit(om, tmp_path, tmp_path / f"starts-{number}", 3) for number in range(1 + scale // 2)]
        others = [om.runtime.script("harmless").run(number) for number in range(5 * scale)]
        assert [handle.get(timeout=100) for handle in others] == list(range(5 * scale))
        for number, handle in enumerate(killers):
            with pytest.raises(TaskLostError, match="3 workers one after the other"):
                handle.get(timeout=100)
            assert (handle.status, starts(tmp_path / f"starts-{number}")) == (State.LOST, 3)
        print(f"{len(killers)} tasks that kill were started 3 times each, {len(others)} others finished")

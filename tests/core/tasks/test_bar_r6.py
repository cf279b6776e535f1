"""R6: a task is cancelled before, at and after its start, here and elsewhere; nothing of it becomes visible."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

import omcore
from omcore.runtimes.durabletask import DurableTracker
from omcore.runtimes.task import Outcome, State

from .harness import body_of, opened, put_script, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

LENGTH = 0.03
NAP = f"import time\ndef run(om):\n    time.sleep({LENGTH})\n    return 1\n"
BLOCK = """
import pathlib, time
def run(om, gate):
    while not pathlib.Path(gate).exists():
        time.sleep(0.01)
"""


@pytest.fixture
def om(tmp_path: Path) -> Iterator[Omega]:
    with opened(tmp_path, workers=1) as om:
        put_script(om, tmp_path, "nap", NAP)
        put_script(om, tmp_path, "block", BLOCK)
        yield om


@pytest.fixture
def elsewhere(om: Omega, tmp_path: Path) -> Iterator[Omega]:
    """The same context as another client has it, which does not reach the workers of the first."""
    with omcore.setup(config=tmp_path / "omcore.toml") as other:
        yield other


def wrong(om: Omega, handles: Sequence[Handle]) -> list[str]:
    """The tasks whose results are not as their states say, once all have ended."""
    for handle in handles:
        assert handle.wait(100)
    om.runtime.script("nap").run().get()  # what was still running has ended by now
    return [
        f"{handle.id} is {handle.status}"
        for number, handle in enumerate(handles)
        if om.datasets.exists(f"made/{number}") != (handle.status is State.SUCCESS)
    ]


def nap(om: Omega, number: int) -> Handle:
    handle: Handle = om.runtime.script("nap").run(into=f"made/{number}")
    return handle


def cancel_queued(om: Omega, client: Omega, folder: Path, number: int) -> list[Handle]:
    """Cancel tasks that wait behind another one."""
    gate = folder / "gate"
    blocking = om.runtime.script("block").run(str(gate))
    handles = [nap(om, each) for each in range(number)]
    for handle in handles:
        client.runtime.task(handle.id).cancel()
    gate.touch()
    blocking.get()
    return handles


def wait_for_its_start(om: Omega, handle: Handle) -> None:
    until(lambda: body_of(om, handle)["attempt"])


def cancel_any_time(om: Omega, client: Omega, number: int) -> list[Handle]:
    """Cancel tasks from their start until a little after their end."""
    chance = random.Random(number)
    handles = []
    for each in range(number):
        handle = nap(om, each)
        wait_for_its_start(om, handle)
        time.sleep(chance.uniform(0, 1.3 * LENGTH))
        client.runtime.task(handle.id).cancel()
        at_once = om.datasets.exists(f"made/{each}")
        assert at_once == (handle.status is State.SUCCESS), f"{handle.id} is {handle.status}"
        handles.append(handle)
    return handles


def test_the_harness_catches_a_cancel_that_does_nothing(
    om: Omega, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(tracker: DurableTracker) -> None:
        tracker._outcome = Outcome(id=tracker.id, state=State.REVOKED)

    monkeypatch.setattr(DurableTracker, "cancel", forgetful)
    handles = cancel_queued(om, om, tmp_path, 3)
    for handle in handles:
        handle.cancel()
    assert len(wrong(om, handles)) == 3


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_nothing_of_a_task_that_was_cancelled_before_its_start_becomes_visible(
    om: Omega, elsewhere: Omega, tmp_path: Path, where: str, scale: int
) -> None:
    number = 10 * scale
    handles = cancel_queued(om, om if where == "here" else elsewhere, tmp_path, number)
    assert wrong(om, handles) == []
    assert {handle.status for handle in handles} == {State.REVOKED}
    assert om.datasets.list("made/*") == []
    print(f"{number} cancelled {where} before their start")


@pytest.mark.parametrize(("where", "number"), [("here", 2), ("elsewhere", 40)])
def test_nothing_of_a_task_that_was_cancelled_at_or_after_its_start_becomes_visible(
    om: Omega, elsewhere: Omega, where: str, number: int, scale: int
) -> None:
    handles = cancel_any_time(om, om if where == "here" else elsewhere, number * scale)
    assert wrong(om, handles) == []
    done = sum(handle.status is State.SUCCESS for handle in handles)
    print(f"{len(handles)} cancelled {where} from their start on: {done} had ended, no other became visible")

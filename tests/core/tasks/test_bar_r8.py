"""R8: a worker that was stopped beyond its lease and goes on commits nothing; the second attempt's result stands."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from omcore.runtimes.task import State

from .harness import body_of, opened, put_script, send, until, worker_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omcore.omega import Omega

SCRIPT = """
import os, pathlib, time
def run(om, folder):
    folder, me = pathlib.Path(folder), str(os.getpid())
    (folder / f"{me}.begun").touch()
    if len(list(folder.glob("*.begun"))) == 1:
        while not (folder / "go").exists():
            time.sleep(0.01)
    (folder / f"{me}.ended").touch()
    return me
"""


def stop_and_go_on(om: Omega, folder: Path, heartbeat: float, stopped: float) -> tuple[int, int]:
    """Stop the process of a task for so many seconds, let it go on to its end; who was stopped, and whose result is.

    The task is detached, so that nobody ends its process when it falls silent.
    """
    put_script(om, folder, "late", SCRIPT)
    notes = folder / "notes"
    notes.mkdir()
    scope = om.runtime.timeout(heartbeat=heartbeat).detach()
    handle = scope.script("late").run(str(notes), into="made")
    until(lambda: list(notes.glob("*.begun")))
    first = worker_of(body_of(om, handle))
    send(signal.SIGSTOP, first)
    since = time.monotonic()
    assert handle.wait(100)
    assert handle.status is State.SUCCESS
    until(lambda: time.monotonic() >= since + stopped)
    (notes / "go").touch()
    send(signal.SIGCONT, first)
    until(lambda: ended(first) or om.datasets.metadata("made").version > 1)
    assert om.datasets.metadata("made").version == body_of(om, handle)["attempt"] - 1, "there are two results"
    return first, int(om.datasets.get("made"))


def ended(process: int) -> bool:
    """Whether a process has ended; its parent, this process, waits for it in a thread."""
    import psutil

    return not psutil.pid_exists(process)


def caught(act: Callable[[], object]) -> bool:
    try:
        act()
    except AssertionError as error:
        return "two results" in str(error)
    return False


def test_the_harness_catches_a_late_commit_that_is_taken(tmp_path: Path) -> None:
    with opened(tmp_path, defect="commits_late") as om:
        assert caught(lambda: stop_and_go_on(om, tmp_path, 1.0, 0.0))


def test_a_worker_that_was_stopped_beyond_its_lease_commits_nothing(tmp_path: Path, scale: int) -> None:
    heartbeat, stopped = (30.0, 60.0) if scale > 1 else (1.0, 2.0)
    with opened(tmp_path) as om:
        first, result = stop_and_go_on(om, tmp_path, heartbeat, stopped)
        assert result != first
        assert om.datasets.metadata("made").version == 1
        print(f"stopped for {stopped:g} seconds with a lease of {heartbeat:g}: refused, and the second result stands")

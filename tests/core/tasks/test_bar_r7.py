"""R7: each of the four timeouts ends its task, or gives it to another worker, when its time has come.

The record tells when that was, by the same clock as the limit. How late it may be at most is looked at where the
machine has nothing else to do, which is when the tests run at full length.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskTimeoutError
from omcore.runtimes import lease
from omcore.runtimes.task import State

from .harness import body_of, opened, put_script, send, until, worker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.scope import Scope
    from omcore.storage.backend import Body

AT_MOST = 2.0
"""Seconds that a timeout may be late."""

SLEEP = "import time\ndef run(om, seconds=600):\n    time.sleep(seconds)\n    return 1\n"
LIMITS = ("start", "running", "total", "total of one that waits", "running elsewhere")


@pytest.fixture(scope="module")
def om(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Omega]:
    folder = tmp_path_factory.mktemp("context")
    with opened(folder, workers=1) as om:
        put_script(om, folder, "sleep", SLEEP)
        om.runtime.script("sleep").run(0).get()
        yield om


def scope_of(om: Omega, which: str) -> tuple[Scope, str]:
    """A scope with one limit of a second or so, and what is said of a task that exceeds it."""
    scopes: dict[str, tuple[Scope, str]] = {
        "start": (om.runtime.require("tpu").wait().timeout(start=1.0), "was not started within 1 seconds"),
        "running": (om.runtime.timeout(1.0), "ran longer than the 1 seconds it was given"),
        "total": (om.runtime.timeout(total=1.5), r"had not ended 1\.5 seconds after it was submitted"),
        "total of one that waits": (
            om.runtime.require("tpu").wait().timeout(total=1.0),
            "had not ended 1 seconds after it was submitted",
        ),
        "running elsewhere": (om.runtime.detach().timeout(1.0), "ran longer than the 1 seconds it was given"),
    }
    return scopes[which]


def limit_of(body: Body) -> float:
    """When a task that has ended had to end."""
    if body["deadline"] is not None:
        return float(body["deadline"])
    if body["started"] is not None:
        return float(body["started"] + body["timeout"])
    return float(body["waiting"] + body["start_timeout"])


def lateness(om: Omega, which: str) -> float:
    """How many seconds after its time a task was ended that nobody waits for."""
    scope, said = scope_of(om, which)
    handle = scope.script("sleep").run()
    until(lambda: body_of(om, handle)["ended"])
    with pytest.raises(TaskTimeoutError, match=said):
        handle.get()
    body = body_of(om, handle)
    return float(body["ended"] - limit_of(body))


def silence(om: Omega) -> float:
    """How many seconds after the end of its lease a task was given to another worker, and what came of it."""
    handle: Handle = om.runtime.timeout(heartbeat=1.0).script("sleep").run(1.5)
    until(lambda: body_of(om, handle)["attempt"] == 1)
    send(signal.SIGSTOP, worker_of(body_of(om, handle)))
    leased = body_of(om, handle)["leased"]
    until(lambda: body_of(om, handle)["deaths"] == 1)
    body = body_of(om, handle)
    assert handle.get(timeout=100) == 1
    assert handle.status is State.SUCCESS
    return float(body["waiting"] - leased)


def check(late: float, scale: int) -> None:
    assert late > -0.1
    assert scale == 1 or late < AT_MOST


def test_the_harness_catches_limits_that_nobody_looks_at(om: Omega, monkeypatch: pytest.MonkeyPatch) -> None:
    look: Callable[..., object] = lambda *_: None  # noqa: E731
    monkeypatch.setattr(lease, "_late", look)
    handle = om.runtime.require("tpu").wait().timeout(start=0.1).script("sleep").run()
    with pytest.raises(AssertionError, match="it never happened"):
        until(lambda: body_of(om, handle)["ended"], patience=4)
    handle.cancel()


@pytest.mark.parametrize("which", LIMITS)
def test_a_task_that_exceeds_a_limit_ends_in_time(om: Omega, which: str, scale: int) -> None:
    times = [lateness(om, which) for _ in range(5 if scale > 1 else 1)]
    for late in times:
        check(late, scale)
    print(f"{which}: at most {max(times):.2f} seconds late")


def test_a_worker_that_falls_silent_loses_its_task_in_time(om: Omega, scale: int) -> None:
    times = [silence(om) for _ in range(5 if scale > 1 else 1)]
    for late in times:
        check(late, scale)
    print(f"heartbeat: at most {max(times):.2f} seconds late")

"""R1: a worker is killed in the midst of a task; every task ends, and there are as many results as tasks."""

from __future__ import annotations

import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from sklearn.linear_model import LinearRegression

from omcore.runtimes.task import State

from .harness import body_of, opened, put_script, send, until, worker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

ROWS = [[0.0], [1.0], [2.0]]
ACTIONS = ("fit", "predict", "job", "script")
LENGTH = 0.4
SLOW = f"import time\ndef run(om):\n    time.sleep({LENGTH})\n    return 1\n"


def prepare(om: Omega, folder: Path) -> None:
    om.models.put(LinearRegression().fit(ROWS, [0.0, 1.0, 2.0]), "line")
    om.datasets.put(ROWS * 20_000, "rows")
    om.datasets.put([0.0, 1.0, 2.0] * 20_000, "target")
    put_script(om, folder, "slow", SLOW)
    cell = nbformat.v4.new_code_cell(f"import time; time.sleep({LENGTH}); print('done')")
    om.jobs.put(nbformat.v4.new_notebook(cells=[cell]), "slow")


def submit(om: Omega, action: str, number: int) -> Handle:
    calls: dict[str, Callable[[], Any]] = {
        "fit": lambda: om.runtime.model("line").fit("rows", "target"),
        "predict": lambda: om.runtime.model("line").predict("rows", into=f"made/{action}/{number}"),
        "job": lambda: om.runtime.job("slow").run(into=f"made/{action}/{number}"),
        "script": lambda: om.runtime.script("slow").run(into=f"made/{action}/{number}"),
    }
    handle: Handle = calls[action]()
    return handle


def visible(om: Omega, action: str) -> int:
    """How many results there are, in all their versions."""
    if action == "fit":
        return om.models.metadata("line").version - 1
    store = om.jobs if action == "job" else om.datasets
    return sum(store.metadata(name).version for name in store.list(f"made/{action}/*"))


def kill_in_the_midst(om: Omega, action: str, number: int, after: float) -> State:
    """Submit a task, kill its first worker after so many seconds of its life, and wait for the end."""
    handle = submit(om, action, number)
    until(lambda: body_of(om, handle)["attempt"] or body_of(om, handle)["ended"])
    threading.Event().wait(after)
    body = body_of(om, handle)
    if body["ended"] is None and body["attempt"] == 1:
        send(signal.SIGKILL, worker_of(body))
    assert handle.wait(100)
    return handle.status


def run(om: Omega, action: str, kills: int, length: float) -> list[State]:
    chance = random.Random(action)
    moments = [chance.uniform(0, 0.95) * length for _ in range(kills)]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda at: kill_in_the_midst(om, action, at[0], at[1]), enumerate(moments)))


def test_the_harness_catches_workers_that_commit_in_two_steps(tmp_path: Path) -> None:
    with opened(tmp_path, defect="commits_in_two_steps") as om:
        prepare(om, tmp_path)
        handle = submit(om, "script", 0)
        until(lambda: visible(om, "script"))
        send(signal.SIGKILL, worker_of(body_of(om, handle)))
        handle.wait(100)
        assert visible(om, "script") > 1


@pytest.fixture(scope="module")
def om(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Omega]:
    folder = tmp_path_factory.mktemp("context")
    with opened(folder) as om:
        prepare(om, folder)
        yield om


@pytest.mark.parametrize("action", ACTIONS)
def test_every_task_whose_worker_is_killed_ends_with_one_result(om: Omega, action: str, scale: int) -> None:
    kills = 20 if scale > 1 else 1
    before = {task.id for task in om.runtime.tasks()}
    assert run(om, action, kills, LENGTH) == [State.SUCCESS] * kills
    assert visible(om, action) == kills
    made = [body_of(om, task.id) for task in om.runtime.tasks() if task.id not in before]
    assert [body["state"] for body in made] == [State.SUCCESS] * kills
    print(f"{action}: {kills} tasks, {sum(body['deaths'] for body in made)} workers died in them")

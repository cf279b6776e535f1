"""A client is killed with tasks queued and running: another client of the context brings every one to its end."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import omcore
from omcore.runtimes import keeper
from omcore.runtimes.sessions import LIFETIME, PREFIX, is_gone
from omcore.runtimes.task import State

from .harness import CONFIGURATION, PATIENCE, body_of, put_script, until

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.storage.backend import StorageBackend

SCRIPT = """
import time
def run(om, seconds):
    time.sleep(seconds)
    return seconds
"""
CLIENT = """
import sys, omcore
with omcore.setup(config=sys.argv[1]) as om:
    scope = om.runtime.timeout(heartbeat=float(sys.argv[2]))
    for number in range(4):
        print(scope.script("sleep").run(1 if number < 2 else 0, into=f"made/{number}").id, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "omcore.toml"
    path.write_text(CONFIGURATION.format(workers=1))
    return path


def leave_behind(om: Omega, config: Path, heartbeat: float) -> list[str]:
    """Tasks of a client that was killed while one of them ran and the others waited."""
    command = [sys.executable, "-c", CLIENT, str(config), str(heartbeat)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        tasks = [client.stdout.readline().strip() for _ in range(4)]
        until(lambda: body_of(om, tasks[0])["attempt"])
        client.kill()
    return tasks


def let_time_pass(storage: StorageBackend) -> None:
    """Nobody has heard of the sessions there are for longer than one lives."""
    for record in storage.scan_records(PREFIX):
        body = {**record.body, "until": record.body["until"] - LIFETIME}
        storage.put_record(record.key, body, record.revision)


def look_after(om: Omega, tasks: list[str], scale: int) -> list[str]:
    """Let the other client find what was left behind, at once where the tests are short; which tasks it took over."""
    if scale > 1:
        om.context.keeper.start()
        return tasks
    let_time_pass(om.context.storage)
    before = {task: body_of(om, task)["publisher"] for task in tasks}
    until(lambda: body_of(om, tasks[0])["leased"] < om.context.records.now())
    for task in tasks:
        om.runtime.task(task).wait(0)
    return [task for task in tasks if body_of(om, task)["publisher"] != before[task]]


def test_the_harness_catches_who_takes_the_dead_for_living(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everybody(storage: StorageBackend, now: float) -> frozenset[str]:
        return frozenset(record.key.removeprefix(PREFIX) for record in storage.scan_records(PREFIX))

    monkeypatch.setattr(keeper, "living", everybody)
    with omcore.setup(config=config) as om:
        put_script(om, tmp_path, "sleep", SCRIPT)
        tasks = leave_behind(om, config, 1.0)
        assert look_after(om, tasks, 1)[1:] == []


def test_another_client_ends_what_a_killed_one_left(config: Path, tmp_path: Path, scale: int) -> None:
    with omcore.setup(config=config) as om:
        put_script(om, tmp_path, "sleep", SCRIPT)
        tasks = leave_behind(om, config, 30.0 if scale > 1 else 1.0)
        assert look_after(om, tasks, scale) == tasks
        until(lambda: all(body_of(om, task)["ended"] for task in tasks))
        assert [om.runtime.task(task).status for task in tasks] == [State.SUCCESS] * 4
        versions = [om.datasets.metadata(f"made/{number}").version for number in range(4)]
        assert versions == [1] * 4
        took = max(body_of(om, task)["ended"] for task in tasks) - body_of(om, tasks[0])["submitted"]
        print(f"4 tasks of a killed client: all done {took:.0f} seconds after the first was submitted")


def test_what_a_killed_client_ran_is_run_again_at_once_however_long_its_lease(config: Path, tmp_path: Path) -> None:
    with omcore.setup(config=config) as om:
        put_script(om, tmp_path, "sleep", SCRIPT)
        task = leave_behind(om, config, 600.0)[0]
        until(lambda: is_gone(body_of(om, task)["worker"]))
        assert om.runtime.task(task).get(PATIENCE).version == 1
        body = body_of(om, task)
        assert (body["attempt"], body["deaths"]) == (2, 1)

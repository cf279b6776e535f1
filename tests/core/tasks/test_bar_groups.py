"""A group of workers is killed with tasks queued and running, and no client left: the next group ends every one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import omcore
from omcore.runtimes.sessions import LIFETIME, PREFIX, is_gone
from omcore.runtimes.task import State

from .harness import PATIENCE, body_of, put_script, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega

CONFIGURATION = """
[contexts.default]
storage = { backend = "embedded", durability = "process" }
runtime = { backend = "local", workers = 1, shared = true }
"""
WAIT = """
import pathlib, time
def run(om, gate):
    while not pathlib.Path(gate).exists():
        time.sleep(0.01)
    return "done"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "omcore.toml"
    path.write_text(CONFIGURATION)
    with tempfile.TemporaryDirectory(prefix="om-") as folder:  # a short path, since sockets need one
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield path


@contextmanager
def group(config: Path) -> Iterator[subprocess.Popen[str]]:
    """`om runtime worker`, which serves when this begins and is told to stop when it ends."""
    command = [sys.executable, "-c", "from omcore.cli import main; main()", "runtime", "worker"]
    with subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "serving with 1 worker" in process.stdout.readline()
            yield process
        finally:
            process.terminate()


def let_time_pass(om: Omega) -> None:
    """Nobody has heard of the sessions there are for longer than one lives."""
    storage = om.context.storage
    for record in storage.scan_records(PREFIX):
        body = {**record.body, "until": record.body["until"] - LIFETIME}
        storage.put_record(record.key, body, record.revision)


def test_the_next_group_ends_what_a_killed_one_had(config: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with group(config) as killed:
        with omcore.setup(config=config) as om:
            put_script(om, tmp_path, "wait", WAIT)
            handles = [om.runtime.durable().script("wait").run(str(gate)) for _ in range(3)]
            tasks = [handle.id for handle in handles]
            until(lambda: body_of(om, tasks[0])["state"] == State.STARTED)
        killed.kill()
    with omcore.setup(config=config) as om:
        assert [body_of(om, task)["state"] for task in tasks] == [State.STARTED, State.PENDING, State.PENDING]
        assert {body_of(om, task)["publisher"] for task in tasks[1:]} == {str(killed.pid)}
        until(lambda: is_gone(body_of(om, tasks[0])["worker"]))
        let_time_pass(om)
        gate.touch()
        with group(config):
            until(lambda: all(body_of(om, task)["ended"] for task in tasks))
        assert [om.runtime.task(task).get(PATIENCE) for task in tasks] == ["done"] * 3
        assert [body_of(om, task)["attempt"] for task in tasks] == [2, 1, 1]

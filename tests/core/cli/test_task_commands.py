"""The commands below `om runtime` that look after tasks: keys, logs that are followed, and where a task is and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import omcore
from omcore.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

OM = (sys.executable, "-W", "error", "-c", "from omcore.cli import main; main()")
NOTE = """
def run(om, *words):
    with open("noted", "a") as file:
        file.write("x")
    if words:
        raise ValueError(words[0])
    return "noted"
"""
TALK = """
import pathlib, time
def run(om):
    print("the first line", flush=True)
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    print("the last line")
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two scripts in its store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "omcore.toml").write_text('[contexts.dev]\nstorage = { durability = "process" }\n')
    with omcore.setup() as om:
        for name, source in (("note", NOTE), ("talk", TALK)):
            (tmp_path / f"{name}.py").write_text(source)
            om.scripts.put(tmp_path / f"{name}.py", name)
    return tmp_path


def om(*words: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, ["runtime", *words])


def last_task() -> str:
    with omcore.setup() as opened:
        return opened.runtime.tasks()[0].id


def test_a_call_that_is_repeated_with_its_key_is_run_once_and_answered_each_time(project: Path) -> None:
    said = [om("--local", "--key", "nightly", "script", "note", "run") for _ in range(3)]
    assert {(done.exit_code, done.stdout) for done in said} == {(0, "noted\n")}
    assert (project / "noted").read_text() == "x"
    other = om("--local", "--key", "nightly", "script", "note", "run", "other")
    assert other.exit_code == 2
    assert "the idempotency key of this call of run on 'note' was used before for another one" in other.stderr
    assert (project / "noted").read_text() == "x"


def test_where_a_task_is_and_why_is_said_in_a_sentence() -> None:
    om("--local", "--durable", "script", "note", "run")
    task = last_task()
    assert om("explain", task).stdout == f"task {task} has ended with SUCCESS\n"
    assert om("--local", "--durable", "script", "note", "run", "oops").exit_code == 1
    failed = last_task()
    assert om("explain", failed).stdout == f"task {failed} has ended with FAILURE: oops\n"
    unknown = om("explain", "0" * 32)
    assert unknown.exit_code == 2
    assert f"there is no task '{'0' * 32}' in this context" in unknown.stderr


@pytest.fixture
def talking() -> Iterator[str]:
    """A task that goes on in a process of its own until it may end."""
    task = om("--async", "script", "talk", "run").stdout.strip()
    yield task
    Path("go").touch()
    om("result", task)


def test_a_log_is_followed_until_the_task_has_ended(talking: str) -> None:
    with subprocess.Popen([*OM, "runtime", "logs", "-f", talking], stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "the first line\n"
        assert om("logs", talking).stdout == "the first line\n"
        Path("go").touch()
        assert follower.stdout.read() == "the last line\n"
        assert follower.wait(60) == 0
    assert om("logs", talking).stdout == "the first line\nthe last line\n"

"""`om runtime worker`: what it says, whom it serves, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from omcore.storage.backend import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OM = (sys.executable, "-W", "error", "-c", "from omcore.cli import main; main()")
CONFIGURATION = """
default_context = "dev"
[contexts.dev]
runtime = { backend = "local", workers = 1, pools.big = { workers = 2, labels = ["memory"] } }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "omcore.toml").write_text(CONFIGURATION)
    with tempfile.TemporaryDirectory(prefix="om-") as folder:  # a short path, since sockets need one
        monkeypatch.setenv("TMPDIR", folder)
        yield tmp_path


def om(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*OM, *arguments], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("arguments", "said", "labels"),
    [
        pytest.param([], "3 workers, labels: memory", [[], ["memory"], ["memory"]], id="as configured"),
        pytest.param(
            ["--label", "b", "--label", "a", "--workers", "1"], "1 worker, labels: a, b", [["a", "b"]], id="told"
        ),
    ],
)
def test_it_serves_until_it_is_told_to_stop(
    project: Path, arguments: list[str], said: str, labels: list[list[str]]
) -> None:
    import json

    with subprocess.Popen([*OM, "runtime", "worker", *arguments], stdout=subprocess.PIPE, text=True) as group:
        assert group.stdout is not None
        line = group.stdout.readline()
        assert line.startswith(f"context 'dev': serving with {said}, at ")
        rows = json.loads(om("--json", "runtime", "workers").stdout)
        theirs = [row for row in rows if row["id"].endswith(f"@{group.pid}")]
        assert sorted(row["labels"] for row in theirs) == sorted(labels)
        group.terminate()
        assert group.stdout.read() == ""
        assert group.wait(60) == 0
    assert not [path for path in project.rglob("*") if path.is_socket()]


STRANGER = """
import pathlib
from pydantic import BaseModel
from omcore.runtimes.backend import RuntimeBackend, Strengths, WorkerInfo

class Options(BaseModel):
    pass

def note(step):
    with open("steps", "a") as file:
        file.write(step + " ")

class Plain(RuntimeBackend):
    api_version = 1
    Options = Options
    strengths = Strengths(cancel="none", delivery="at-least-once", in_order=False, survives_client=True)
    served = ()

    def __init__(self, options, place, worker, labels):
        pass

    def submit(self, delivery):
        raise NotImplementedError

    def cancel(self, task_id):
        pass

    def workers(self):
        return self.served

    def close(self):
        note("closed")

class Serving(Plain):
    name, address, busy = "", "acme://me:hidden@there", False

    def open_group(self, workers=None, labels=()):
        self.served = [WorkerInfo("acme", frozenset(labels), workers or 7)]
        return self

    def workers(self):
        return [] if pathlib.Path("crash").exists() else self.served

    def drain(self):
        note("drained")
"""


@pytest.fixture
def stranger(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with two runtimes, one of which can be served."""
    info = project / "site" / "acme-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[omcore.runtime]\nplain = acme:Plain\nserving = acme:Serving\n")
    (info.parent / "acme.py").write_text(STRANGER)
    (project / "omcore.toml").write_text(
        'default_context = "serving"\n[contexts.plain]\nruntime = { backend = "plain" }\n'
        '[contexts.serving]\nruntime = { backend = "serving" }\n'
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(info.parent), os.environ.get("PYTHONPATH", "")]))
    return project


def test_it_serves_whatever_runtime_can_be_served(stranger: Path) -> None:
    command = [*OM, "runtime", "worker", "--label", "gpu", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as group:
        assert group.stdout is not None
        said = "context 'serving': serving with 1 worker, labels: gpu, at acme://me:***@there\n"
        assert group.stdout.readline() == said
        group.terminate()
        assert group.wait(60) == 0
    assert (stranger / "steps").read_text() == "drained closed closed "


def test_it_ends_with_a_sentence_when_the_workers_have_ended_by_themselves(stranger: Path) -> None:
    (stranger / "crash").touch()
    done = om("runtime", "worker")
    assert done.returncode == 1
    assert done.stderr == (
        "om: the workers have ended by themselves; look at what they printed, and start them again\n"
    )


@pytest.mark.parametrize(
    ("context", "why"),
    [
        pytest.param("far", "nowhere", id="none of that name"),
        pytest.param("plain", "runs its tasks on 'plain', whose workers 'om runtime worker' cannot start", id="plain"),
    ],
)
def test_it_says_of_which_runtime_it_cannot_start_workers(stranger: Path, context: str, why: str) -> None:
    with (stranger / "omcore.toml").open("a") as file:
        file.write('[contexts.far]\nruntime = { backend = "nowhere" }\n')
    done = om("--context", context, "runtime", "worker")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert why in done.stderr


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--grace", "-1"], ["--label"]], ids=lambda given: given[0])
def test_what_makes_no_sense_is_a_mistake(project: Path, arguments: list[str]) -> None:
    done = om("runtime", "worker", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_context_of_the_same_home_and_other_workers_has_the_same_identity(project: Path) -> None:
    import omcore

    one = omcore.setup("dev").context.settings
    other = omcore.setup("dev", runtime={"backend": "local", "workers": 7}).context.settings
    elsewhere = omcore.setup("dev", storage={"path": str(project / "other")}).context.settings
    assert Place(one.name, one.home) == Place(other.name, other.home)
    assert one.identity() == other.identity()
    assert one.identity() != elsewhere.identity()

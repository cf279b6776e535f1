"""`om runtime worker`: what it says, whom it serves, and how it ends."""

from __future__ import annotations

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
[contexts.far]
runtime = { backend = "nowhere" }
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


def test_it_does_not_serve_another_runtime(project: Path) -> None:
    done = om("--context", "far", "runtime", "worker")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


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

"""The workspace keeps its promises to whoever clones it."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = (ROOT / ".ci/run").read_text().splitlines()[-1]
    assert command in (ROOT / "README.md").read_text().splitlines()


def faults(folder: Path) -> list[str]:
    """Where a plugin's folder departs from the one shape that plugins/README.md shows."""
    parts = ("pyproject.toml", "README.md", f"src/{folder.name}/__init__.py", f"src/{folder.name}/py.typed")
    missing = [f"{folder.name} has no {part}" for part in parts if not (folder / part).is_file()]
    if not list(folder.glob("tests/test_*.py")):
        missing.append(f"{folder.name} has no tests")
    if missing:
        return missing
    name = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())
    known = name in workspace["project"]["dependencies"] and name in workspace["tool"]["uv"]["sources"]
    found = [] if name.replace("-", "_") == folder.name else [f"{folder.name} holds a package called {name}"]
    return found if known else [*found, f"the workspace does not list {name}, so uv sync would leave it out"]


def test_every_plugin_has_the_one_shape_and_is_known_to_the_workspace() -> None:
    folders = [path for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name[0] not in "._"]
    assert [fault for folder in folders for fault in faults(folder)] == []


def test_a_plugin_of_another_shape_would_be_caught(tmp_path: Path) -> None:
    source = tmp_path / "omstore_odd" / "src" / "omstore_odd"
    source.mkdir(parents=True)
    assert len(faults(tmp_path / "omstore_odd")) == 5
    for part in ("../../pyproject.toml", "../../README.md", "__init__.py", "py.typed", "../../tests/test_odd.py"):
        (source / part).parent.mkdir(exist_ok=True)
        (source / part).write_text('[project]\nname = "omstore-other"\n')
    assert faults(tmp_path / "omstore_odd") == [
        "omstore_odd holds a package called omstore-other",
        "the workspace does not list omstore-other, so uv sync would leave it out",
    ]

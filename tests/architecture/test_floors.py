"""The floors of the design: a module imports only what lies below it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import omcore.plugin.hookspecs as manual

ROOT = Path(__file__).parents[2]
SOURCE = Path(manual.__file__).parents[1]
LIGHT = frozenset({"__future__", "pluggy", "typing"})


def lint(package: Path) -> subprocess.CompletedProcess[str]:
    """Hold the contracts of the workspace against a copy of the package that lies in `package`'s folder."""
    command = ["lint-imports", "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PATH": path}
    return subprocess.run(command, env=environment, cwd=package.parent, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    target = tmp_path / "omcore"
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def plant(package: Path, module: str, line: str) -> None:
    """Add a line of code at the end of a module."""
    path = package / module
    path.write_text(f"{path.read_text()}\n\n{line}\n")


def test_no_module_imports_a_floor_above_it_or_a_sibling() -> None:
    result = lint(SOURCE)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "importer", "imported"),
    [
        ("errors.py", "import omcore.cli", "omcore.errors", "omcore.cli"),
        ("storage/backend.py", "import omcore.objects.versions", "omcore.storage", "omcore.objects"),
        ("runtimes/backend.py", "def late():\n    import omcore.objects.versions", "omcore.runtimes", "omcore.objects"),
        ("promotion/policies.py", "import omcore.testing", "omcore.promotion", "omcore.testing"),
    ],
    ids=["upwards", "one floor up", "sibling, inside a function", "the kit"],
)
def test_a_planted_violation_is_caught(copy: Path, module: str, line: str, importer: str, imported: str) -> None:
    plant(copy, module, line)
    result = lint(copy)
    assert result.returncode == 1, result.stdout
    assert f"{importer} is not allowed to import {imported}" in result.stdout


def test_an_import_for_types_alone_is_no_violation(copy: Path) -> None:
    plant(copy, "errors.py", "if TYPE_CHECKING:\n    import omcore.cli")
    result = lint(copy)
    assert result.returncode == 0, result.stdout


def test_a_module_that_stands_on_no_floor_is_caught(copy: Path) -> None:
    (copy / "somewhere.py").write_text('"""On no floor."""\n')
    result = lint(copy)
    assert result.returncode == 1, result.stdout
    assert "omcore.somewhere" in result.stdout


def test_hookspecs_import_nothing_but_pluggy_outside_type_checking() -> None:
    tree = ast.parse(Path(manual.__file__).read_text())
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    assert found <= LIGHT

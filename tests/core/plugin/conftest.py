"""Real distributions, with metadata and modules, in a folder of their own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COUNT = itertools.count()

STORE = """
from omcore.storage.memory import MemoryStorage

class Store(MemoryStorage):
    api_version = 1
"""


class Site:
    """A folder that distributions are put into, as pip would."""

    store = STORE

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        package: str,
        entry_points: Mapping[str, Mapping[str, str]],
        modules: Mapping[str, str] | None = None,
        version: str = "1.0",
    ) -> None:
        """Install a distribution: entry points by group and name, and modules by file name."""
        info = self.folder / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        groups = (
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
            for group, points in entry_points.items()
        )
        (info / "entry_points.txt").write_text("\n".join(groups))
        for name, code in (modules or {}).items():
            (self.folder / f"{name}.py").write_text(dedent(code))

    def module(self) -> str:
        """A module name that no other test uses."""
        return f"plugin_under_test_{next(_COUNT)}"

    def hooks(self, code: str, package: str = "acme-hooks", name: str = "acme") -> str:
        """Install a hook module and return its name."""
        module = self.module()
        body = f"from omcore.plugin import hookimpl\n{dedent(code)}"
        self.add(package, {"omcore.plugins": {name: module}}, {module: body})
        return module

    def run(self, program: str) -> Any:
        """Run a program in a process of its own that finds the distributions; its last line of output is JSON."""
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-W", "error", "-c", dedent(program)]
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose distributions this process finds too."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return Site(folder)

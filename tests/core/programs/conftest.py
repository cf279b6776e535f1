"""A bucket of its own for each test, in one context with a warm worker; and ways to store programs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import omcore
from tests.core.programs.made import notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega

CONFIGURATION = """
[contexts.default]
storage = { backend = "embedded", durability = "process" }
runtime = { backend = "local", workers = 1 }
"""


@pytest.fixture(scope="package")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("context") / "omcore.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture(scope="package")
def context(config: Path) -> Iterator[Omega]:
    with omcore.setup(config=config) as opened:
        yield opened


@pytest.fixture
def omega(context: Omega) -> Omega:
    return context[f"test-{uuid4().hex}"]


@pytest.fixture
def put_script(omega: Omega, tmp_path: Path) -> Callable[..., None]:
    """Store a script `name.py`, or a package of several files."""

    def put(name: str, source: str = "", **files: str) -> None:
        folder = tmp_path / uuid4().hex
        folder.mkdir()
        path = folder / (name if files else f"{name}.py")
        if files:
            path.mkdir()
        for file, text in files.items():
            (path / f"{file}.py").write_text(textwrap.dedent(text))
        if source:
            (path / "__init__.py" if files else path).write_text(textwrap.dedent(source))
        omega.scripts.put(path, name)

    return put


@pytest.fixture
def put_job(omega: Omega) -> Callable[..., None]:
    """Store a notebook."""

    def put(name: str, *cells: str, parameters: str | None = None) -> None:
        omega.jobs.put(notebook(*cells, parameters=parameters), name)

    return put

"""A bucket of its own for each test, in one context with warm workers: embedded store, local runtime."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

import omcore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega

CONFIGURATION = """
[contexts.default]
storage = { backend = "embedded", durability = "process" }
runtime = { backend = "local", workers = 1, pools.big = { workers = 1, labels = ["gpu", "large"] } }
"""


@pytest.fixture(scope="package")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("context") / "omcore.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture(scope="package")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the workers, who start later, can import from."""
    folder = tmp_path_factory.mktemp("modules")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="package")
def context(config: Path, modules: Path) -> Iterator[Omega]:
    with omcore.setup(config=config) as opened:
        yield opened


@pytest.fixture
def omega(context: Omega) -> Omega:
    return context[f"test-{uuid4().hex}"]


class PutModel(Protocol):
    def __call__(self, code: str, name: str = "odd", action: str = "predict") -> None: ...


@pytest.fixture
def odd(omega: Omega, modules: Path) -> PutModel:
    """Stores a model that runs some lines in its `predict`, or in another action."""

    def put(code: str, name: str = "odd", action: str = "predict") -> None:
        module = f"odd_{uuid4().hex}"
        arguments = "self, X, y=None" if action == "fit" else "self, X"
        (modules / f"{module}.py").write_text(
            "import logging, os, pathlib, signal, sys, time, warnings\nfrom sklearn.base import BaseEstimator\n\n\n"
            f"class Odd(BaseEstimator):\n    def {action}({arguments}):\n"
            + textwrap.indent(textwrap.dedent(code), " " * 8)
        )
        importlib.invalidate_caches()
        omega.models.put(importlib.import_module(module).Odd(), name)

    return put


@pytest.fixture
def script(omega: Omega, tmp_path: Path) -> Callable[[str, str], None]:
    """Stores a script."""

    def put(name: str, source: str) -> None:
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source))
        omega.scripts.put(path, name)

    return put

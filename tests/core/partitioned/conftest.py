"""A bucket of its own for each test, in one context with two warm workers; and a folder of modules that they import."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

import omcore
from tests.core.codecs.support import tiny_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from omcore.omega import Omega

MODULES = Path(__file__).parent / "importable"


@pytest.fixture(scope="package")
def modules() -> Iterator[Path]:
    """Where the models of these tests are; workers, who start later, import from there too."""
    sys.path.insert(0, str(MODULES))
    yield MODULES
    sys.path.remove(str(MODULES))


@pytest.fixture(scope="package")
def context(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[Omega]:
    storage = {"backend": "embedded", "path": str(tmp_path_factory.mktemp("store")), "durability": "process"}
    with omcore.setup(storage=storage, runtime={"backend": "local", "workers": 2}) as opened:
        yield opened


@pytest.fixture
def omega(context: Omega) -> Omega:
    return context[f"test-{uuid4().hex}"]


@pytest.fixture
def shared_models(modules: Path) -> Any:
    """The module with the models of these tests."""
    return importlib.import_module("shared_models")


def put_parts(omega: Omega, frame: pd.DataFrame, name: str, rows: int) -> None:
    """Store a frame in parts of so many rows."""
    with tiny_parts(rows, rows):
        omega.datasets.put(frame, name)

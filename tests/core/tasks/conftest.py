"""A bucket of its own for each test, in one context with warm workers: embedded store, local runtime."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import omcore

if TYPE_CHECKING:
    from collections.abc import Iterator
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

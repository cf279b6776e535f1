"""A context of its own for each test: embedded store, local runtime, no configuration but this."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "omcore.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def omega(config: Path) -> Iterator[Omega]:
    with omcore.setup(config=config) as opened:
        yield opened

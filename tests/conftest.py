"""The length of the tests: as usual, or with `--torture` ten times as long; and which of them run once is enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
ONCE = (
    *(HERE / "architecture", HERE / "kit", HERE / "core" / "programs"),
    *(
        HERE / "core" / "runtime" / f"test_{name}.py"
        for name in ("task_conformance", "group_conformance", "group_sharing")
    ),
    *(HERE / "core" / "partitioned" / f"test_{name}.py" for name in ("workers_share", "families_of_tasks")),
    *(HERE / "core" / "observing" / f"test_{name}.py" for name in ("live_bar", "limits", "notebook_bar")),
)
"""What says nothing new on a second interpreter: the workspace, the kit's saboteurs, what is mostly other processes."""

TORTURE = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="run the tests at ten times their usual length")


def pytest_configure(config: pytest.Config) -> None:
    usual = settings(deadline=None, print_blob=True)
    settings.register_profile("usual", usual)
    settings.register_profile("torture", usual, max_examples=usual.max_examples * TORTURE)
    settings.load_profile("torture" if config.getoption("torture") else "usual")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count as slow what says nothing new on a second interpreter: what is in `ONCE`, and the bars."""
    for item in items:
        if item.path.name.startswith("test_bar") or any(item.path.is_relative_to(folder) for folder in ONCE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> int:
    """By how much a test with a number of its own multiplies it: 1, or 10 with `--torture`."""
    return TORTURE if pytestconfig.getoption("torture") else 1

"""The length of the tests of the core and of every plugin: as usual, or with `--torture` ten times as long."""

from __future__ import annotations

import pytest
from hypothesis import settings

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
    """Count the bars as slow."""
    for item in items:
        if item.path.name.startswith("test_bar"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> int:
    """By how much a test with a number of its own multiplies it: 1, or 10 with `--torture`."""
    return TORTURE if pytestconfig.getoption("torture") else 1

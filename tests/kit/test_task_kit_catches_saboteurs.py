"""The kit for tasks fails for every saboteur, in the test that was meant for it, and passes for an honest runtime."""

from __future__ import annotations

import pytest

from omcore.testing.tasks import TaskConformance
from tests.kit.task_saboteurs import SABOTEURS, TaskSaboteur

pytest_plugins = ["pytester"]

CONFORMANCE = """
import pytest
from omcore.testing.tasks import TaskConformance
from tests.kit.task_saboteurs import {name}

class TestIt(TaskConformance):
    patience = {patience}

    @pytest.fixture
    def open_context(self):
        return {name}.opened
"""


def outcomes_of(pytester: pytest.Pytester, kind: type[TaskSaboteur], select: str, patience: float) -> dict[str, int]:
    """How many of the selected tests of the kit pass, fail, and so on."""
    pytester.makepyfile(CONFORMANCE.format(name=kind.__name__, patience=patience))
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "error")
    return pytester.runpytest_inprocess(*options, "-k", select).parseoutcomes()


@pytest.mark.parametrize("kind", SABOTEURS, ids=lambda kind: kind.__name__)
def test_the_kit_catches_it(pytester: pytest.Pytester, kind: type[TaskSaboteur]) -> None:
    outcomes = outcomes_of(pytester, kind, kind.caught_by, kind.patience)
    assert outcomes.get("failed", 0) > 0
    assert "errors" not in outcomes


def test_what_all_saboteurs_are_made_of_is_honest(pytester: pytest.Pytester) -> None:
    select = "appear_together or comes_again or gpu-and-big or noted or never_starts and durable"
    outcomes = outcomes_of(pytester, TaskSaboteur, select, patience=60.0)
    assert outcomes.keys() <= {"passed", "deselected"}
    assert outcomes["passed"] >= 6


def test_every_saboteur_names_a_test_of_the_kit() -> None:
    tests = {name for name in dir(TaskConformance) if name.startswith("test_")}
    assert {kind.caught_by.partition(" ")[0] for kind in SABOTEURS} <= tests


def test_who_forgets_the_fixture_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from omcore.testing.tasks import TaskConformance\nclass TestIt(TaskConformance):\n    pass")
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-k", "unknown_task")
    result.stdout.fnmatch_lines(["*override the fixture `open_context`*"])
    assert result.parseoutcomes()["errors"] == 1

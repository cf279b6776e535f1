"""The kit for runtimes fails for every saboteur, in the test that was meant for it, and passes for an honest one."""

from __future__ import annotations

import pytest

from omcore.testing.runtime import RuntimeConformance
from omcore.testing.runtime.saboteurs import SABOTEURS, Saboteur

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

CONFORMANCE = """
import pytest
from omcore.testing.runtime import RuntimeConformance
from omcore.testing.runtime.saboteurs.{module} import {name}

class TestIt(RuntimeConformance):
    patience = {patience}
    {more}

    @pytest.fixture
    def start_runtime(self):
        return {name}.started
"""


def failures(
    pytester: pytest.Pytester, kind: type[Saboteur], select: str, patience: float = 60.0, more: str = ""
) -> dict[str, int]:
    """How many of the selected tests of the kit pass, fail, and so on."""
    module = kind.__module__.rpartition(".")[2]
    pytester.makepyfile(CONFORMANCE.format(module=module, name=kind.__name__, patience=patience, more=more))
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "error")
    return pytester.runpytest_inprocess(*options, "-k", select).parseoutcomes()


@pytest.mark.parametrize("kind", SABOTEURS, ids=lambda kind: kind.__name__)
def test_the_kit_catches_it(pytester: pytest.Pytester, kind: type[Saboteur]) -> None:
    outcomes = failures(pytester, kind, kind.caught_by, patience=1.5)
    assert outcomes.get("failed", 0) > 0
    assert "errors" not in outcomes


def test_what_all_saboteurs_are_made_of_is_honest(pytester: pytest.Pytester) -> None:
    outcomes = failures(pytester, Saboteur, "cancel or handle or own_outcome or runtime_of_this_contract")
    assert outcomes.keys() <= {"passed", "deselected"}
    assert outcomes["passed"] >= 4


def test_every_test_of_the_kit_catches_somebody_or_is_about_plain_use() -> None:
    tests = {name for name in dir(RuntimeConformance) if name.startswith("test_")}
    catching = {kind.caught_by for kind in SABOTEURS}
    assert catching <= tests
    assert tests - catching == {
        "test_an_envelope_of_any_size_arrives",
        "test_several_threads_may_submit_and_wait",
    }


def test_who_forgets_the_fixture_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from omcore.testing.runtime import RuntimeConformance\nclass TestIt(RuntimeConformance):\n    pass"
    )
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-k", "two_workers")
    result.stdout.fnmatch_lines(["*override the fixture `start_runtime`*"])
    assert result.parseoutcomes()["errors"] == 1


ONCE = "test_closing_twice_is_harmless"


def test_a_known_gap_is_no_failure_while_it_is_open_and_one_when_it_is_closed(pytester: pytest.Pytester) -> None:
    (kind,) = (kind for kind in SABOTEURS if kind.caught_by == ONCE)
    more = f"known_gaps = {{'{ONCE}': 'it cannot'}}"
    assert failures(pytester, kind, ONCE, more=more)["xfailed"] == 1
    assert failures(pytester, Saboteur, ONCE, more=more)["failed"] == 1


def test_a_known_gap_that_is_no_test_is_an_error(pytester: pytest.Pytester) -> None:
    outcomes = failures(pytester, Saboteur, "never_used", more="known_gaps = {'test_it_flies': 'it has no wings'}")
    assert outcomes["errors"] == 1

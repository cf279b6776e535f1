"""The kit for codecs fails for every saboteur, in the test that was meant for it, and passes for an honest one."""

from __future__ import annotations

import pytest

from omcore.testing.codec import CodecConformance
from omcore.testing.codec.saboteurs import SABOTEURS, Numbers

pytest_plugins = ["pytester"]

CONFORMANCE = """
import pytest
from hypothesis import strategies as st
from omcore.objects.codecs.base import Query
from omcore.testing.codec import CodecConformance
from omcore.testing.codec.saboteurs.{module} import {name}

class TestIt(CodecConformance):
    @pytest.fixture
    def codec(self):
        return {name}()

    @pytest.fixture
    def examples(self):
        return st.lists(st.integers(), max_size=8)

    @pytest.fixture
    def refused(self):
        return [[1, "two"], [0.5]]

    @pytest.fixture
    def queries(self):
        return {queries}
"""


def outcomes(pytester: pytest.Pytester, kind: type[Numbers], select: str) -> dict[str, int]:
    """How many of the selected tests of the kit pass, fail, and so on."""
    module = kind.__module__.rpartition(".")[2]
    queries = "[([1], Query(('a',)), [1])]" if "query_gives" in select else "()"
    pytester.makepyfile(CONFORMANCE.format(module=module, name=kind.__name__, queries=queries))
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "error")
    return pytester.runpytest_inprocess(*options, "-k", select).parseoutcomes()


@pytest.mark.parametrize("kind", SABOTEURS, ids=lambda kind: kind.__name__)
def test_the_kit_catches_it(pytester: pytest.Pytester, kind: type[Numbers]) -> None:
    found = outcomes(pytester, kind, kind.caught_by)
    assert found.get("failed", 0) == 1
    assert "errors" not in found


def test_what_all_saboteurs_are_made_of_is_honest(pytester: pytest.Pytester) -> None:
    found = outcomes(pytester, Numbers, "test_")
    assert found == {"passed": len(kit_tests())}


def test_every_test_of_the_kit_catches_somebody() -> None:
    assert {kind.caught_by for kind in SABOTEURS} == kit_tests()


def test_a_conformance_test_without_its_fixtures_says_which_is_missing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from omcore.testing.codec import CodecConformance\nclass TestIt(CodecConformance): pass")
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-k", "of_this_contract")
    result.stdout.fnmatch_lines(["*define a fixture 'codec'*"])


def kit_tests() -> set[str]:
    return {name for name in dir(CodecConformance) if name.startswith("test_")}

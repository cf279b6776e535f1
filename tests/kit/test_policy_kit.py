"""The core's own policies keep the policy contract, and the kit that says so catches broken ones."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from xml.etree import ElementTree as ET

import pytest
from sklearn.linear_model import LinearRegression

from omcore.promotion.policies import Candidate, CopyPolicy, NoOptions, PromotionPolicy, TrainedPolicy
from omcore.testing.policy import PolicyConformance, make_candidate

if TYPE_CHECKING:
    from collections.abc import Mapping

SABOTEURS = Path(__file__).with_name("policy_saboteurs.py")
EVERY = frozenset(name for name in dir(PolicyConformance) if name.startswith("test_"))
ALLOWS = "test_it_allows_what_it_must_allow"
REFUSES = "test_it_refuses_what_it_must_refuse"
SAYS_WHY = "test_a_refusal_says_why_in_one_sentence"


class TestCopyPolicy(PolicyConformance):
    known_gaps: ClassVar[Mapping[str, str]] = dict.fromkeys((REFUSES, SAYS_WHY), "copy refuses nothing")

    @pytest.fixture
    def policy(self) -> PromotionPolicy:
        return CopyPolicy(NoOptions())

    @pytest.fixture
    def accepted(self) -> Candidate:
        return make_candidate(LinearRegression())

    @pytest.fixture
    def refused(self) -> Candidate:
        return make_candidate(None, attributes={"broken": True})


class TestTrainedPolicy(PolicyConformance):
    @pytest.fixture
    def policy(self) -> PromotionPolicy:
        return TrainedPolicy(NoOptions())

    @pytest.fixture
    def accepted(self) -> Candidate:
        return make_candidate(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))

    @pytest.fixture
    def refused(self) -> Candidate:
        return make_candidate(LinearRegression())


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    """The names of the tests that each saboteur failed, of a run in a process of its own."""
    report = tmp_path_factory.mktemp("saboteurs") / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(SABOTEURS)]
    subprocess.run(command, capture_output=True, check=False)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            found[case.attrib["classname"].rpartition(".Test")[2]].add(case.attrib["name"])
    return {name: frozenset(tests) for name, tests in found.items()}


@pytest.mark.parametrize(
    ("saboteur", "caught_by"),
    [
        ("OfAnotherContract", {"test_it_is_a_policy_of_this_contract"}),
        ("OfInheritedContract", {"test_it_is_a_policy_of_this_contract"}),
        ("Nameless", {"test_it_has_the_name_that_a_configuration_calls_it"}),
        ("Gullible", {"test_its_options_refuse_what_they_do_not_know"}),
        ("Mute", {ALLOWS, REFUSES}),
        ("Truthy", {ALLOWS, REFUSES}),
        ("Raising", {REFUSES}),
        ("Yielding", {REFUSES}),
        ("Stubborn", {ALLOWS}),
        ("Silent", {SAYS_WHY}),
        ("Rambling", {SAYS_WHY}),
        ("Impostor", {"test_a_verdict_names_its_policy"}),
        ("Forgetful", {"test_the_same_candidate_gets_the_same_verdict"}),
        ("Meddling", {"test_it_changes_nothing_of_what_it_looks_at"}),
        ("Swallowing", {"test_what_it_cannot_read_it_does_not_allow"}),
        ("WithoutExamples", EVERY),
        ("WithAClosedGap", {ALLOWS}),
        ("WithAMisspeltGap", EVERY),
    ],
)
def test_a_saboteur_is_caught(failed: Mapping[str, frozenset[str]], saboteur: str, caught_by: set[str]) -> None:
    assert caught_by <= failed.get(saboteur, frozenset())


def test_a_whole_policy_and_one_whose_gap_is_known_pass(failed: Mapping[str, frozenset[str]]) -> None:
    assert "Whole" not in failed
    assert "WithAnOpenGap" not in failed


def test_the_run_knew_every_saboteur(failed: Mapping[str, frozenset[str]]) -> None:
    classes = SABOTEURS.read_text().count("\nclass Test")
    assert len(failed) == classes - 2

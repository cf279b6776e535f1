"""The core's own proxy keeps the proxy contract, and the kit that says so catches broken ones."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from omcore.proxies.model import ModelProxy
from omcore.testing.proxy import Example, ProxyConformance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.proxies.base import RuntimeProxy

SABOTEURS = Path(__file__).with_name("proxy_saboteurs.py")
X = np.random.default_rng(0).normal(size=(40, 2))
Y = (X[:, 0] + np.random.default_rng(1).normal(size=40) > 0).astype(int)


class TestModelProxyOnAClassifier(ProxyConformance):
    proxy: ClassVar[type[RuntimeProxy]] = ModelProxy

    @pytest.fixture
    def stored(self) -> Any:
        return Everything(random_state=0).fit(X, Y)

    @pytest.fixture
    def examples(self) -> Mapping[str, Example]:
        fitting = Example((X, Y))
        applying = dict.fromkeys(("predict", "predict_proba", "predict_log_proba", "decision_function"), Example((X,)))
        transforming = dict.fromkeys(("transform", "inverse_transform"), Example((X,)))
        fits = {"fit": fitting, "partial_fit": fitting, "score": fitting, "fit_transform": fitting}
        return {**fits, **applying, **transforming, "call": Example(("get_params",), {"deep": False})}


class Everything(SGDClassifier):  # type: ignore[misc]
    """A classifier that also transforms, so that every action has something to call."""

    def __init__(self, random_state: int = 0) -> None:
        super().__init__(loss="log_loss", random_state=random_state)

    def transform(self, X: Any) -> Any:  # noqa: N803
        return make_pipeline(StandardScaler()).fit_transform(X)

    inverse_transform = transform

    def fit_transform(self, X: Any, y: Any) -> Any:  # noqa: N803
        return self.fit(X, y).transform(X)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    """The names of the tests that each saboteur failed, of a run in a process of its own."""
    report = tmp_path_factory.mktemp("saboteurs") / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(SABOTEURS)]
    subprocess.run(command, capture_output=True, check=False)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):
        name = case.attrib["classname"].rpartition(".Test")[2]
        found[name].update([case.attrib["name"]] if list(case) else [])
    return {name: frozenset(tests) for name, tests in found.items()}


@pytest.mark.parametrize(
    ("saboteur", "caught_by"),
    [
        ("Versionless", "test_it_is_a_proxy_of_this_contract"),
        ("Shadowing", "test_its_name_can_be_called_and_its_store_exists"),
        ("Storeless", "test_its_name_can_be_called_and_its_store_exists"),
        ("Silent", "test_it_has_actions_and_each_is_described"),
        ("Positional", "test_into_is_an_argument_by_name"),
        ("Unswitched", "test_what_is_said_of_pieces_names_parameters_and_methods"),
        ("Secretive", "test_only_durable_calls_store_anything"),
        ("Deaf", "test_into_is_obeyed_where_it_is_taken"),
        ("Careless", "test_the_shared_object_is_never_changed"),
        ("Unsendable", "test_the_example_of_every_action_works_and_its_result_can_travel"),
        ("Remembering", "test_an_action_leaves_nothing_behind_for_the_next"),
        ("Greedy", "test_wrong_arguments_and_unknown_actions_are_refused_at_once"),
        ("Impatient", "test_calling_an_action_submits_it_and_runs_nothing"),
        ("Everywhere", "test_it_does_not_work_outside_a_worker"),
        ("Broken", "test_the_example_of_every_action_works_and_its_result_can_travel"),
        ("Forgetful", "test_every_action_has_an_example"),
    ],
)
def test_the_kit_catches_what_breaks_a_promise(
    saboteur: str, caught_by: str, failed: Mapping[str, frozenset[str]]
) -> None:
    assert caught_by in failed[saboteur]


def test_a_whole_proxy_passes(failed: Mapping[str, frozenset[str]]) -> None:
    assert failed["Whole"] == frozenset()

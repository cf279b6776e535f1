"""The score of the pieces is the score of the whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from omcore.errors import InvalidArgumentError
from omcore.proxies.scoring import measure, merge
from tests.core.partitioned.frames_in_pieces import cuts

if TYPE_CHECKING:
    from collections.abc import Sequence


class Given(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts its input."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        return X


def in_pieces(model: Any, X: Any, y: Any, weights: Any, spans: Sequence[slice]) -> float:  # noqa: N803
    used = [span for span in spans if span.stop > span.start]
    sums = [measure(model, X[span], y[span], None if weights is None else weights[span]) for span in used]
    return merge(json.loads(json.dumps(sums)))


FINITE = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))


@given(st.data(), st.integers(2, 20), st.integers(1, 3), st.booleans())
def test_r2_is_that_of_the_whole(data: st.DataObject, rows: int, outputs: int, weighted: bool) -> None:
    shape = (rows, outputs) if outputs > 1 else (rows,)
    found, truth = (data.draw(hnp.arrays(np.float64, shape, elements=FINITE)) for _ in range(2))
    weights = data.draw(hnp.arrays(np.float64, rows, elements=st.floats(0.1, 9))) if weighted else None
    assume(np.ptp(truth, axis=0).min() > 1)  # the score of an almost constant target is noise
    expected = r2_score(truth, found, sample_weight=weights)
    score = in_pieces(Given(), found, truth, weights, data.draw(cuts(rows)))
    assert score == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.data(), st.integers(2, 20), FINITE, st.booleans())
def test_a_constant_target_scores_0_or_1(data: st.DataObject, rows: int, value: float, right: bool) -> None:
    truth = np.full(rows, value)
    found = truth if right else truth + 1.5
    assert in_pieces(Given(), found, truth, None, data.draw(cuts(rows))) == (1.0 if right else 0.0)


@given(st.data(), st.booleans())
def test_accuracy_is_that_of_the_whole(data: st.DataObject, weighted: bool) -> None:
    generator = np.random.default_rng(data.draw(st.integers(0, 9)))
    X = generator.normal(size=(40, 3))  # noqa: N806
    y = np.where(X[:, 0] > 0, "yes", "no")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:12], y[:12])
    weights = generator.integers(1, 5, 40) if weighted else None
    expected = model.score(X, y, sample_weight=weights)
    assert in_pieces(model, X, y, weights, data.draw(cuts(40))) == pytest.approx(expected, rel=1e-12)


@given(st.data())
def test_accuracy_of_several_labels_counts_rows_that_are_all_right(data: st.DataObject) -> None:
    generator = np.random.default_rng(3)
    X = generator.normal(size=(30, 2))  # noqa: N806
    y = (X > 0.2).astype(int)
    model = DecisionTreeClassifier(max_depth=2).fit(X[:9], y[:9])
    assert in_pieces(model, X, y, None, data.draw(cuts(30))) == pytest.approx(model.score(X, y), rel=1e-12)


def test_frames_and_series_are_scored_as_arrays_are() -> None:
    frame = pd.DataFrame({"x": np.arange(9.0), "y": np.arange(9.0) ** 2, "w": [1.0, 2.0, 3.0] * 3})
    model = LinearRegression().fit(frame[["x"]], frame["y"])
    expected = model.score(frame[["x"]], frame["y"], sample_weight=frame["w"])
    score = in_pieces(model, frame[["x"]], frame["y"], frame["w"], [slice(0, 4), slice(4, 9)])
    assert score == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [KMeans, DummyClassifier])
def test_a_score_of_the_models_own_is_refused(kind: type) -> None:
    with pytest.raises(InvalidArgumentError, match=f"a {kind.__name__} has a score of its own"):
        measure(kind(), [[1.0]], [1.0])


def test_a_target_is_asked_for() -> None:
    with pytest.raises(InvalidArgumentError, match="compares with a target; give y"):
        measure(LinearRegression(), [[1.0]], None)


def test_a_single_row_has_no_r2() -> None:
    with pytest.warns(UndefinedMetricWarning, match="less than two rows"):
        assert np.isnan(merge([measure(Given(), np.ones(1), np.ones(1))]))


def test_outputs_that_differ_in_number_are_an_error() -> None:
    with pytest.raises(ValueError, match="y has 1 outputs but the model predicts 2"):
        measure(Given(), np.ones((3, 2)), np.ones(3))


def test_without_rows_there_is_nothing_to_score() -> None:
    with pytest.raises(InvalidArgumentError, match="no rows to score"):
        merge([])

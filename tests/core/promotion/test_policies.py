"""What the core's own policies allow and refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from omcore.errors import UntrustedError
from omcore.promotion.policies import Candidate, CopyPolicy, NoOptions, TrainedPolicy, Verdict
from omcore.testing.policy import make_candidate

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 0, 1])


def trained(value: Any, store: str = "models") -> Verdict:
    return TrainedPolicy(NoOptions()).check(make_candidate(value, store=store, name="forecast"))


class Untagged:
    """An object with `fit` that knows nothing of scikit-learn."""

    def fit(self, x: Any) -> Untagged:
        return self


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression().fit(X, Y),
        Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(X, Y),
        Pipeline([("scale", "passthrough"), ("model", LogisticRegression())]).fit(X, Y),
        Pipeline([("scale", StandardScaler()), ("last", "passthrough")]).fit(X),
        FeatureUnion([("scale", StandardScaler()), ("none", "drop")]).fit(X),
        ColumnTransformer([("scale", StandardScaler(), [0])]).fit(X),
        TransformedTargetRegressor(LinearRegression()).fit(X, Y),
        GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2).fit(X, Y),
        HashingVectorizer(),
        FunctionTransformer(np.log1p),
    ],
    ids=lambda model: type(model).__name__,
)
def test_trained_allows_what_is_fitted_or_needs_no_fitting(model: Any) -> None:
    verdict = trained(model)
    assert verdict.allowed, verdict.reason


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (LinearRegression(), "is not trained: LinearRegression is not fitted; fit it"),
        (Pipeline([("scale", StandardScaler()), ("model", LinearRegression())]), "step 'model' (LinearRegression)"),
        (
            Pipeline([("scale", StandardScaler()), ("model", LinearRegression().fit(X, Y))]),
            "is not trained: step 'scale' (StandardScaler) is not fitted",
        ),
        (
            Pipeline([("both", FeatureUnion([("scale", StandardScaler())])), ("last", HashingVectorizer())]),
            "step 'both/scale' (StandardScaler) is not fitted",
        ),
        (ColumnTransformer([("scale", StandardScaler(), [0])]), "ColumnTransformer is not fitted"),
        (GridSearchCV(LogisticRegression(), {"C": [1.0]}), "GridSearchCV is not fitted"),
        ({"weights": [1, 2]}, "dict cannot say whether it is fitted"),
        (LinearRegression, "cannot say whether it is fitted"),
        (Untagged(), "Untagged cannot say whether it is fitted"),
        (None, "NoneType cannot say whether it is fitted"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_trained_refuses_what_is_not_fitted_and_what_cannot_be(model: Any, says: str) -> None:
    verdict = trained(model)
    assert not verdict.allowed
    assert says in verdict.reason
    assert "\n" not in verdict.reason


@pytest.mark.parametrize("store", ["datasets", "jobs", "scripts"])
def test_trained_refuses_what_is_no_model_without_loading_it(store: str) -> None:
    verdict = trained(LinearRegression().fit(X, Y), store)
    assert not verdict.allowed
    assert verdict.reason == f"'forecast' is in {store}, and only models can be trained; use this policy for models"


def test_trained_does_not_hide_that_a_model_may_not_be_loaded() -> None:
    class Untrusted:
        def __deepcopy__(self, memo: Any) -> Any:
            raise UntrustedError("'forecast' may not be loaded")

    with pytest.raises(UntrustedError, match="may not be loaded"):
        trained(Untrusted())


def test_copy_allows_everything() -> None:
    candidate: Candidate = make_candidate(object(), store="scripts")
    assert CopyPolicy(NoOptions()).check(candidate).allowed

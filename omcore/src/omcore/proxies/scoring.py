"""Scores of data in pieces: sums of each piece, which become the score of the whole exactly.

Accuracy and R² are those of scikit-learn's `ClassifierMixin.score` and `RegressorMixin.score`. Means and squares are
put together by the pairwise rule of Chan, Golub and LeVeque (1979), so that no large sums of squares are subtracted.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Sums: TypeAlias = dict[str, Any]
"""What is known of the rows of one piece: numbers, and lists of them with one item for each output."""

ACCURACY, R2 = "accuracy", "r2"


def measure(model: Any, rows: Any, target: Any, weights: Any = None) -> Sums:
    """What one piece adds to the model's score.

    Args:
        model: a classifier or a regressor whose score is scikit-learn's own; the last step of a pipeline decides.
        rows: what to predict for.
        target: the truth.
        weights: the weight of each row; `None` for 1.

    Raises:
        InvalidArgumentError: the model has a score of its own, or no target is given.
    """
    name = _score_of(model)
    if target is None:
        raise InvalidArgumentError(f"the score of a {type(model).__name__} compares with a target; give y")
    predicted = model.predict(rows)
    return _right(target, predicted, weights) if name == ACCURACY else _squares(target, predicted, weights)


def merge(pieces: Sequence[Sums]) -> float:
    """The score of the whole, from what its pieces add.

    Raises:
        InvalidArgumentError: there is no piece, so that there is nothing to score.
    """
    if not pieces:
        raise InvalidArgumentError("there are no rows to score; score rows that the filter keeps")
    if pieces[0]["score"] == ACCURACY:
        return float(sum(piece["right"] for piece in pieces) / sum(piece["total"] for piece in pieces))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = _joined(whole, piece)
    return _r2(whole)


def _score_of(model: Any) -> str:
    """Which score the model has."""
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.pipeline import Pipeline

    last = model
    while type(last) is Pipeline:
        last = last.steps[-1][1]
    score = getattr(type(last), "score", None)
    for mixin, name in ((ClassifierMixin, ACCURACY), (RegressorMixin, R2)):
        if score is mixin.score:
            return name
    message = (
        f"a {type(last).__name__} has a score of its own, which cannot be put together from pieces; "
        f"call score without parallel"
    )
    raise InvalidArgumentError(message)


def _right(target: Any, predicted: Any, weights: Any) -> Sums:
    from sklearn.metrics import accuracy_score
    from sklearn.utils.validation import column_or_1d

    right = accuracy_score(target, predicted, normalize=False, sample_weight=weights)
    total = len(predicted) if weights is None else float(column_or_1d(weights).sum())
    return {"score": ACCURACY, "right": float(right), "total": total}


def _squares(target: Any, predicted: Any, weights: Any) -> Sums:
    import numpy as np
    from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

    check_consistent_length(target, predicted, weights)
    truth, found = (_columns(check_array(each, ensure_2d=False)) for each in (target, predicted))
    if truth.shape[1] != found.shape[1]:
        raise ValueError(f"y has {truth.shape[1]} outputs but the model predicts {found.shape[1]}")
    heavy = np.ones(len(truth)) if weights is None else column_or_1d(weights).astype(np.float64)
    weight = float(heavy.sum())
    shifted = truth - truth[0]  # equal targets have exactly their mean, and no spread
    mean = heavy @ shifted / weight if weight else np.zeros(truth.shape[1])
    spread, error = (heavy @ np.square(each) for each in (shifted - mean, truth - found))
    return {
        "score": R2,
        "rows": len(truth),
        "weight": weight,
        "mean": (truth[0] + mean).tolist(),
        "spread": spread.tolist(),
        "error": error.tolist(),
    }


def _columns(values: Any) -> NDArray[np.float64]:
    import numpy as np

    array: NDArray[np.float64] = np.asarray(values, np.float64)
    return array.reshape(len(array), -1)


def _joined(one: Sums, other: Sums) -> Sums:
    """The sums of two pieces."""
    weight = one["weight"] + other["weight"]
    share = other["weight"] / weight if weight else 0.0
    apart = [b - a for a, b in zip(one["mean"], other["mean"], strict=True)]
    between = [each * each * one["weight"] * share for each in apart]
    return {
        "score": R2,
        "rows": one["rows"] + other["rows"],
        "weight": weight,
        "mean": [a + each * share for a, each in zip(one["mean"], apart, strict=True)],
        "spread": [sum(each) for each in zip(one["spread"], other["spread"], between, strict=True)],
        "error": [sum(each) for each in zip(one["error"], other["error"], strict=True)],
    }


def _r2(whole: Sums) -> float:
    """As `sklearn.metrics.r2_score` with its defaults: outputs count the same, and a constant one scores 0 or 1."""
    if whole["rows"] < 2:
        from sklearn.exceptions import UndefinedMetricWarning

        warnings.warn("R² is not defined for less than two rows", UndefinedMetricWarning, stacklevel=2)
        return float("nan")
    scores = [
        1 - error / spread if error and spread else 0.0 if error else 1.0
        for error, spread in zip(whole["error"], whole["spread"], strict=True)
    ]
    return float(sum(scores) / len(scores))

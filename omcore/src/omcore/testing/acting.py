"""An estimator with which the kit tries tasks: it does what it is told, on whatever worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from omcore.testing.acts import perform

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTOR = "omcore.testing.acting.Actor"
"""What a context must trust."""


class Actor(BaseEstimator):  # type: ignore[misc]
    """Does what the data says, as `{"do": "hold", ...}`; on a frame, what it was made to do.

    `fit` makes a durable task that stores a version, `predict` a light one that returns what was done.
    """

    def __init__(self, on_frames: Mapping[str, Any] | None = None) -> None:
        self.on_frames = on_frames

    def fit(self, X: Any, y: Any = None) -> Actor:  # noqa: ARG002, N803 - the form of an estimator
        self.done_ = perform(X)
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        if isinstance(X, dict):
            return perform(X)
        first = int(X.iloc[0, 0])
        perform({**(self.on_frames or {}), "name": f"from-{first}"})
        return X.iloc[:, 0].to_numpy() * 2

"""What can be done with a model: the methods of scikit-learn's estimators.

Durable actions store what they fitted as a new version of the model; the others return their result, or store it as a
dataset when `into` names one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from omcore.errors import InvalidArgumentError
from omcore.proxies.base import Data, RuntimeProxy, action
from omcore.proxies.pieces import Pieces
from omcore.proxies.scoring import measure, merge

_STORED = frozenset({"fit", "partial_fit", "fit_transform", "fit_predict", "set_params"})
"""Methods that change the estimator: `call` stores it anew after these."""

_BY_ROWS = Pieces("X")
"""Each row has a result of its own."""


class ModelProxy(RuntimeProxy):
    """Calls an estimator's methods; `X` and `y` are names of datasets, frames, arrays or lists.

    With `parallel=True`, a call on a stored dataset of several parts is shared out: workers run it for some parts each,
    at the same time, and what they store becomes one version. The method must treat each row by itself, as those of
    scikit-learn's estimators do. On any other data the switch changes nothing.
    """

    api_version: ClassVar[int] = 1
    name: ClassVar[str] = "model"
    store: ClassVar[str] = "models"

    @action(durable=True)
    def fit(self, /, X: Data, y: Data = None, sample_weight: Data = None, **params: Any) -> Any:  # noqa: N803
        """Fit the model on X (and y), and store it as a new version."""
        model = self.work.load(fresh=True)
        model.fit(*_given(X, y), **_weighted(sample_weight, params))
        return self.work.store(model)

    @action(durable=True)
    def partial_fit(self, /, X: Data, y: Data = None, sample_weight: Data = None, **params: Any) -> Any:  # noqa: N803
        """Fit the model a little further on a batch, and store it as a new version."""
        model = self.work.load(fresh=True)
        _method(model, "partial_fit")(*_given(X, y), **_weighted(sample_weight, params))
        return self.work.store(model)

    @action(durable=True)
    def fit_transform(self, /, X: Data, y: Data = None, *, into: str | None = None, **params: Any) -> Any:  # noqa: N803
        """Fit the model, store it as a new version, and return the transformed X."""
        model = self.work.load(fresh=True)
        result = _method(model, "fit_transform")(*_given(X, y), **params)
        self.work.store(model)
        return self._result(result, into)

    # `parallel` is the submitter's: a worker is never asked for it

    @action(pieces=_BY_ROWS)
    def predict(self, /, X: Data, *, into: str | None = None, parallel: bool = False, **params: Any) -> Any:  # noqa: N803, ARG002
        """Predict for every row of X."""
        return self._apply("predict", X, into, params)

    @action(pieces=_BY_ROWS)
    def predict_proba(self, /, X: Data, *, into: str | None = None, parallel: bool = False, **params: Any) -> Any:  # noqa: N803, ARG002
        """Predict the probability of every class, for every row of X."""
        return self._apply("predict_proba", X, into, params)

    @action(pieces=_BY_ROWS)
    def predict_log_proba(self, /, X: Data, *, into: str | None = None, parallel: bool = False, **params: Any) -> Any:  # noqa: N803, ARG002
        """Predict the logarithm of the probability of every class, for every row of X."""
        return self._apply("predict_log_proba", X, into, params)

    @action(pieces=_BY_ROWS)
    def decision_function(self, /, X: Data, *, into: str | None = None, parallel: bool = False, **params: Any) -> Any:  # noqa: N803, ARG002
        """The decision function for every row of X."""
        return self._apply("decision_function", X, into, params)

    @action(pieces=_BY_ROWS)
    def transform(self, /, X: Data, *, into: str | None = None, parallel: bool = False, **params: Any) -> Any:  # noqa: N803, ARG002
        """Transform X."""
        return self._apply("transform", X, into, params)

    @action(pieces=_BY_ROWS)
    def inverse_transform(self, /, X: Data, *, into: str | None = None, parallel: bool = False, **params: Any) -> Any:  # noqa: N803, ARG002
        """Transform X back."""
        return self._apply("inverse_transform", X, into, params)

    @action(pieces=Pieces("X", ("y", "sample_weight"), "score_sums", merge))
    def score(
        self,
        /,
        X: Data,  # noqa: N803
        y: Data = None,
        sample_weight: Data = None,
        *,
        parallel: bool = False,  # noqa: ARG002
        **params: Any,
    ) -> Any:
        """The model's own score on X (and y): accuracy for a classifier, R² for a regressor."""
        return _method(self.work.load(), "score")(*_given(X, y), **_weighted(sample_weight, params))

    def score_sums(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> Any:  # noqa: N803
        """What some rows add to the score: what workers call when they share the rows out.

        Raises:
            InvalidArgumentError: the model has a score of its own, or the score takes arguments that pieces have not.
        """
        if params:
            message = f"score takes no {', '.join(params)} where its rows are shared out; call it without parallel"
            raise InvalidArgumentError(message)
        return measure(self.work.load(), X, _vector(y), _vector(sample_weight))

    @action(durable=True)
    def call(self, /, method: str, X: Data = None, y: Data = None, *, into: str | None = None, **params: Any) -> Any:  # noqa: N803
        """Call any other public method; one that fits stores the model as a new version."""
        model = self.work.load(fresh=True)  # nobody knows what the method does to it
        result = _method(model, method)(*_given(X, y), **params)
        if method not in _STORED:
            return self._result(result, into)
        stored = self.work.store(model)
        return stored if result is model else self._result(result, into)

    def _apply(self, method: str, X: Any, into: str | None, params: dict[str, Any]) -> Any:  # noqa: N803
        return self._result(_method(self.work.load(), method)(X, **params), into)

    def _result(self, result: Any, into: str | None) -> Any:
        return result if into is None else self.work.store(result, into=into)


def _given(*arguments: Any) -> tuple[Any, ...]:
    """The leading arguments that were given, all but the first as vectors where they have one column."""
    given = tuple(value for value in arguments if value is not None)
    return (*given[:1], *map(_vector, given[1:]))


def _weighted(sample_weight: Any, params: dict[str, Any]) -> dict[str, Any]:
    return params if sample_weight is None else {**params, "sample_weight": _vector(sample_weight)}


def _vector(value: Any) -> Any:
    """A frame of one column as that column: `sales[y]` is a frame, and an estimator takes one target as a vector."""
    return value.iloc[:, 0] if hasattr(value, "iloc") and value.ndim == 2 and value.shape[1] == 1 else value


def _method(model: Any, name: str) -> Any:
    """A public method of the model."""
    found = None if name.startswith("_") else getattr(model, name, None)
    if not callable(found):
        message = f"a {type(model).__name__} has no method {name!r}"
        raise InvalidArgumentError(message)
    return found

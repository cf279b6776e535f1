"""A call that is shared out has the result of the call that is not, whatever the data, its parts and its filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from omcore.errors import InvalidArgumentError, TaskFailedError, UnsupportedTypeError
from omcore.runtimes.task import State
from tests.core.partitioned.conftest import put_parts
from tests.core.partitioned.frames_in_pieces import indexes

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def data(rows: int, seed: int = 0) -> pd.DataFrame:
    """Whole numbers, so that no sum depends on the order of its terms."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.integers(-9, 9, (rows, 3)).astype(float), columns=list("abc"))
    frame["y"] = 2 * frame.a - frame.b + random.integers(-1, 2, rows)
    frame["label"] = np.where(frame.a > frame.b, "more", "less")
    frame["w"] = random.integers(1, 4, rows).astype(float)
    return frame


def same(left: Any, right: Any) -> None:
    """Fail unless two results are the same, save for the last digits of numbers."""
    assert type(left) is type(right)
    if isinstance(left, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right, check_freq=True, check_index_type="equiv")
    elif isinstance(left, np.ndarray):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        if left.dtype.kind == "f":
            np.testing.assert_allclose(left, right, rtol=1e-12)
        else:
            assert left.tolist() == right.tolist()
    elif scipy.sparse.issparse(left):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert (left != right).nnz == 0
    else:
        assert left == pytest.approx(right, rel=1e-12)


CASES = [
    "predict numbers",
    "predict labels",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform to an array",
    "transform to a frame",
    "transform to a sparse matrix",
]


def models() -> dict[str, tuple[Any, str]]:
    """A model for each method."""
    frame = data(60)
    X = frame[["a", "b", "c"]]  # noqa: N806
    classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, frame.label)
    onehot = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["a"]), sparse_threshold=1.0).fit(X)
    return {
        "predict numbers": (LinearRegression().fit(X, frame[["y", "w"]]), "predict"),
        "predict labels": (classifier, "predict"),
        "predict_proba": (classifier, "predict_proba"),
        "predict_log_proba": (GaussianNB().fit(X, frame.label), "predict_log_proba"),
        "decision_function": (classifier, "decision_function"),
        "transform to an array": (StandardScaler().fit(X), "transform"),
        "transform to a frame": (StandardScaler().set_output(transform="pandas").fit(X), "transform"),
        "transform to a sparse matrix": (onehot, "transform"),
    }


@pytest.mark.parametrize("case", CASES)
def test_every_method_gives_what_it_gives_for_the_whole(omega: Omega, case: str) -> None:
    model, method = models()[case]
    omega.models.put(model, "m")
    put_parts(omega, data(50, 1), "big", 7)
    proxy = omega.runtime.mode(local=True).model("m")
    call = getattr(proxy, method)
    handle = call("big[a,b,c]", parallel=True)
    same(handle.get(), call("big[a,b,c]").get())
    call("big[a,b,c]", into="out", parallel=True).get()
    call("big[a,b,c]", into="expected").get()
    assert omega.datasets.metadata("out").kind == omega.datasets.metadata("expected").kind
    assert omega.datasets.metadata("out").schema == omega.datasets.metadata("expected").schema
    same(omega.datasets.get("out"), omega.datasets.get("expected"))
    provenance = omega.datasets.metadata("out").provenance
    assert provenance["inputs"] == omega.datasets.metadata("expected").provenance["inputs"]


@given(index=indexes(), rows=st.integers(1, 5), limit=st.integers(-12, 12), seed=st.integers(0, 3))
@FEW
def test_rows_keep_their_labels_under_any_filter(
    context: Omega, shared_models: Any, tmp_path_factory: Any, index: pd.Index[Any], rows: int, limit: int, seed: int
) -> None:
    omega = context[f"test-{uuid4().hex}"]
    model = shared_models.Relabelled(str(tmp_path_factory.mktemp("notes") / "notes"))
    omega.models.put(model, "m")
    frame = data(len(index), seed).set_axis(index)
    put_parts(omega, frame, "big", rows)
    chosen = omega.datasets.getl("big").filter(a__gt=limit)[["b"]]
    call = omega.runtime.mode(local=True).model("m").transform
    expected = call(chosen).get()
    same(call(chosen, parallel=True).get(), expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("target", ["y", "label"])
def test_scores_are_those_of_the_whole(omega: Omega, target: str, weighted: bool) -> None:
    frame = data(60)
    model = (LinearRegression() if target == "y" else LogisticRegression()).fit(frame[["a", "b", "c"]], frame[target])
    omega.models.put(model, "m")
    put_parts(omega, frame, "big", 7)
    weights = "big[w]" if weighted else None
    score = omega.runtime.mode(local=True).model("m").score
    expected = score("big[a,b,c]", f"big[{target}]", weights).get()
    same(score("big[a,b,c]", f"big[{target}]", weights, parallel=True).get(), expected)
    in_hand = frame.w.to_numpy() if weighted else None
    same(score("big[a,b,c]", frame[target], in_hand, parallel=True).get(), expected)
    put_parts(omega, frame, "other", 11)
    same(score("big[a,b,c]", f"other[{target}]", weights, parallel=True).get(), expected)
    chosen = omega.datasets.getl("big").filter(a__gt=0)
    filtered = (chosen[["a", "b", "c"]], chosen[[target]])
    same(score(*filtered, parallel=True).get(), score(*filtered).get())


def test_rows_that_do_not_belong_together_are_refused(omega: Omega) -> None:
    frame = data(20)
    omega.models.put(LinearRegression().fit(frame[["a"]], frame.y), "m")
    put_parts(omega, frame, "big", 7)
    put_parts(omega, frame[:15], "short", 7)
    score = omega.runtime.mode(local=True).model("m").score
    with pytest.raises(TaskFailedError, match="y has 15 rows but X has 20"):
        score("big[a]", "short[y]", parallel=True).get()
    with pytest.raises(TaskFailedError, match="X or y is filtered"):
        score(omega.datasets.getl("big").filter(a__gt=0)[["a"]], "big[y]", parallel=True).get()


def test_data_that_is_not_stored_in_parts_is_one_task(omega: Omega) -> None:
    frame = data(20)
    model = LinearRegression().fit(frame[["a", "b"]], frame.y)
    omega.models.put(model, "m")
    omega.datasets.put(frame, "small")
    predict = omega.runtime.mode(local=True).model("m").predict
    for given_data in ("small[a,b]", frame[["a", "b"]]):
        handle = predict(given_data, parallel=True)
        same(handle.get(), model.predict(frame[["a", "b"]]))
    assert [task.parent for task in omega.runtime.tasks() if task.bucket == omega.bucket] == ["", ""]


def test_where_a_filter_keeps_no_row_it_is_as_without_sharing(omega: Omega, shared_models: Any, tmp_path: Path) -> None:
    frame = data(20)
    omega.models.put(LinearRegression().fit(frame[["a"]], frame.y), "m")
    omega.models.put(shared_models.Relabelled(str(tmp_path / "notes")), "relabelled")
    put_parts(omega, frame, "big", 7)
    nothing = omega.datasets.getl("big").filter(a__gt=100)[["a"]]
    runtime = omega.runtime.mode(local=True)
    with pytest.raises(TaskFailedError, match="0 sample"):
        runtime.model("m").predict(nothing, parallel=True).get()
    with pytest.raises(TaskFailedError, match="no rows to score"):
        runtime.model("m").score(nothing, nothing, parallel=True).get()
    found = runtime.model("relabelled").transform(nothing, parallel=True).get()
    same(found, runtime.model("relabelled").transform(nothing).get())


@pytest.mark.parametrize(
    ("method", "kind", "told"),
    [
        ("predict", UnsupportedTypeError, "have int64 but those after it have dtype float64"),
        ("transform", InvalidArgumentError, "the result for .* rows of X has 1 rows"),
        ("decision_function", InvalidArgumentError, "the result for .* rows of X has no rows"),
    ],
)
def test_results_that_do_not_fit_together_are_refused_and_nothing_is_stored(
    omega: Omega, shared_models: Any, tmp_path: Path, method: str, kind: type[Exception], told: str
) -> None:
    omega.models.put(shared_models.Odd(str(tmp_path / "notes")), "odd")
    put_parts(omega, pd.DataFrame({"x": range(20)}), "big", 4)
    handle = getattr(omega.runtime.mode(local=True).model("odd"), method)("big", into="out", parallel=True)
    with pytest.raises(TaskFailedError, match=told) as caught:
        handle.get()
    assert isinstance(caught.value.__cause__, kind)
    assert not omega.datasets.exists("out")


def test_the_switch_is_true_or_false(omega: Omega) -> None:
    omega.models.put(LinearRegression(), "m")
    with pytest.raises(InvalidArgumentError, match="parallel is true or false, not 'yes'"):
        omega.runtime.model("m").predict("big", parallel="yes")


def test_a_repeated_call_with_its_key_is_the_same_call(omega: Omega) -> None:
    frame = data(20)
    omega.models.put(LinearRegression().fit(frame[["a"]], frame.y), "m")
    put_parts(omega, frame, "big", 7)
    scope = omega.runtime.mode(local=True).idempotent("nightly")
    first = scope.model("m").predict("big[a]", into="out", parallel=True)
    again = scope.model("m").predict("big[a]", into="out", parallel=True)
    assert first.id == again.id
    assert len(omega.datasets.versions("out")) == 1
    assert again.status is State.SUCCESS

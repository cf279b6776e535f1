"""What estimators answer besides frames and arrays of numbers: sparse matrices, and labels that are text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

if TYPE_CHECKING:
    from omcore.omega import Omega

ROWS = pd.DataFrame({"colour": ["red", "blue", "red", "green"] * 3, "size": [1.0, 2.0, 1.5, 9.0] * 3})
LABELS = np.array(["small", "small", "small", "large"] * 3, dtype=object)


@pytest.fixture(params=["local", "worker"])
def runtime(request: pytest.FixtureRequest, omega: Omega) -> Any:
    omega.datasets.put(ROWS, "rows")
    return omega.runtime.mode(local=request.param == "local")


def same_matrix(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    assert (left.shape, left.dtype, left.indices.dtype) == (right.shape, right.dtype, right.indices.dtype)
    assert (left != right).nnz == 0


def test_an_encoder_answers_with_a_sparse_matrix(runtime: Any, omega: Omega) -> None:
    encoder = OneHotEncoder().fit(ROWS[["colour"]])
    omega.models.put(encoder, "enc")
    got = runtime.model("enc").transform("rows[colour]").get()
    assert scipy.sparse.issparse(got)
    same_matrix(encoder.transform(ROWS[["colour"]]), got)


def test_a_sparse_matrix_is_an_argument_and_a_dataset(runtime: Any, omega: Omega) -> None:
    encoded = OneHotEncoder().fit_transform(ROWS[["colour"]])
    omega.datasets.put(encoded, "encoded")
    same_matrix(encoded, omega.datasets.get("encoded"))
    omega.models.put(LogisticRegression(), "classifier")
    runtime.model("classifier").fit(encoded, LABELS).get()
    from_value = runtime.model("classifier").predict(encoded).get()
    from_name = runtime.model("classifier").predict("encoded").get()
    assert from_value.tolist() == from_name.tolist() == LABELS.tolist()


def test_a_sparse_result_is_stored_by_name(runtime: Any, omega: Omega) -> None:
    encoder = OneHotEncoder().fit(ROWS[["colour"]])
    omega.models.put(encoder, "enc")
    runtime.model("enc").transform("rows[colour]", into="encoded").get()
    same_matrix(encoder.transform(ROWS[["colour"]]), omega.datasets.get("encoded"))


def test_a_classifier_fitted_on_text_answers_with_its_labels(runtime: Any, omega: Omega) -> None:
    omega.models.put(LogisticRegression().fit(ROWS[["size"]], LABELS), "classifier")
    got = runtime.model("classifier").predict("rows[size]").get()
    assert got.dtype == object
    assert {type(label) for label in got} == {str}
    assert got.tolist() == LABELS.tolist()
    runtime.model("classifier").predict("rows[size]", into="labels").get()
    assert omega.datasets.get("labels").tolist() == LABELS.tolist()

"""Estimators come back as they were; what a pickle may refer to is the reader's decision."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators

from omcore.errors import CorruptBlobError, UnsupportedTypeError, UntrustedError
from omcore.objects.codecs.allowlist import known_globals
from omcore.objects.codecs.allowlist.review import harmless
from omcore.objects.codecs.base import Query, Trust
from omcore.objects.codecs.estimators import EstimatorCodec, SkopsCodec
from omcore.objects.filters import where
from tests.core.codecs.support import ALL, NOBODY, TRUSTED, Folder, Kept

if TYPE_CHECKING:
    from pathlib import Path

CODEC = EstimatorCodec()
ROWS, CLASSES = load_iris(return_X_y=True)


class Majority(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator that no library knows."""

    def fit(self, rows: Any, classes: Any) -> Majority:
        self.most_ = np.bincount(classes).argmax()
        self.table_ = np.arange(10.0)
        del rows
        return self

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), self.most_)


def typical() -> list[Any]:
    frame = pd.DataFrame(ROWS, columns=list("abcd")).assign(kind=list("uvw") * 50)
    columns = ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("k", OneHotEncoder(), ["kind"])])
    return [
        LinearRegression().fit(ROWS, CLASSES),
        RandomForestClassifier(10, random_state=1).fit(ROWS, CLASSES),
        KNeighborsClassifier(algorithm="kd_tree").fit(ROWS, CLASSES),
        make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, CLASSES),
        make_pipeline(FunctionTransformer(np.log1p), Ridge()).fit(ROWS, CLASSES),
        GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2).fit(ROWS, CLASSES),
        make_pipeline(columns, LogisticRegression()).fit(frame, CLASSES),
    ]


def predictions(estimator: Any) -> Any:
    frame = pd.DataFrame(ROWS, columns=list("abcd")).assign(kind=list("uvw") * 50)
    return estimator.predict(frame if "kind" in getattr(estimator, "feature_names_in_", ()) else ROWS)


@pytest.mark.parametrize("estimator", typical(), ids=lambda each: type(each).__name__)
def test_an_estimator_of_scikit_learn_comes_back_without_a_signature(estimator: Any) -> None:
    got = Kept.of(estimator, CODEC).get()
    assert type(got) is type(estimator)
    np.testing.assert_array_equal(predictions(got), predictions(estimator))
    assert repr(got) == repr(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cls"), all_estimators(), ids=lambda each: each if isinstance(each, str) else "")
def test_every_estimator_that_fits_comes_back_without_a_signature(name: str, cls: Any) -> None:
    estimator = _fitted(cls)
    if estimator is None:
        pytest.skip(f"{name} needs other data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = Kept.of(estimator, CODEC)
        if any(each.startswith("_loss.") for each in kept.content.details["globals"]):
            pytest.skip("scikit-learn 1.5 refers to its losses by a name that is not its own")
        kept.get()


def _fitted(cls: Any) -> Any:
    for arguments in ({}, {"estimator": LogisticRegression()}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return cls(**arguments).fit(ROWS[::5], CLASSES[::5])
            except Exception:  # noqa: BLE001 - an estimator refuses data in whatever way it likes
                continue
    return None


@pytest.mark.parametrize("mapped", [True, False])
def test_it_comes_back_from_a_file_which_stays_as_it_is_when_the_estimator_is_changed(
    tmp_path: Path, mapped: bool
) -> None:
    estimator = LinearRegression().fit(ROWS, CLASSES)
    kept = Kept.of(estimator, CODEC)
    source = Folder(tmp_path, mapped).keep(kept)
    got = CODEC.decode(kept.content, source, ALL, NOBODY)
    got.coef_[:] = 0
    again = CODEC.decode(kept.content, source, ALL, NOBODY)
    np.testing.assert_array_equal(again.coef_, estimator.coef_)


def test_a_type_that_no_library_knows_needs_a_signature_or_the_readers_word() -> None:
    estimator = Majority().fit(ROWS, CLASSES)
    kept = Kept.of(estimator, CODEC)
    name = f"{Majority.__module__}.Majority"
    with pytest.raises(UntrustedError, match=f"{name}.*, which is not known .*; say so in the file"):
        kept.get(trust=Trust(sentence="say so in the file"))
    for trust in (TRUSTED, Trust(types=frozenset({name}))):
        np.testing.assert_array_equal(predictions(kept.get(trust=trust)), predictions(estimator))
    for near in (name[:-1], name + "s", Majority.__module__, f"{Majority.__module__}.*"):
        with pytest.raises(UntrustedError):
            kept.get(trust=Trust(types=frozenset({near})))


def test_what_was_refused_was_not_imported() -> None:
    script = (
        "import sys\n"
        "from omcore.objects.codecs.loaders import load\n"
        "from omcore.objects.codecs.base import Trust\n"
        "from omcore.errors import UntrustedError\n"
        "try:\n load(b'\\x80\\x02cxml.dom.minidom\\nparseString\\n.', [], Trust(), 'it')\n"
        "except UntrustedError:\n sys.exit('xml.dom.minidom' in sys.modules)\n"
        "sys.exit(2)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_content_says_what_it_is_and_what_it_was_made_with() -> None:
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    content = Kept.of(LinearRegression().fit(frame, CLASSES), CODEC).content
    assert content.schema == {
        "type": "sklearn.linear_model._base.LinearRegression",
        "features": 4,
        "feature_names": ["a", "b", "c", "d"],
    }
    assert {"python", "scikit-learn", "numpy"} <= set(content.details["releases"])
    assert "sklearn.linear_model._base.LinearRegression" in content.details["globals"]
    json.dumps([content.details, content.schema], allow_nan=False)


def test_what_nobody_else_could_load_is_refused_when_it_is_stored() -> None:
    with pytest.raises(UnsupportedTypeError, match="lambda"):
        Kept.of(FunctionTransformer(lambda x: x), CODEC)

    class Local(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        pass

    with pytest.raises(UnsupportedTypeError, match="Local"):
        Kept.of(Local(), CODEC)
    with pytest.raises(UnsupportedTypeError, match="cannot pickle"):
        Kept.of(FunctionTransformer(kw_args={"file": sys.stdout}), CODEC)


def test_a_class_of_the_program_that_was_started_is_refused_when_it_is_stored() -> None:
    script = (
        "from sklearn.base import BaseEstimator\n"
        "from omcore.errors import UnsupportedTypeError\n"
        "from omcore.objects.codecs.estimators import EstimatorCodec\n"
        "from omcore.objects.codecs.memory import MemorySink\n"
        "class Mine(BaseEstimator): pass\n"
        "try:\n EstimatorCodec().encode(Mine(), MemorySink())\n"
        "except UnsupportedTypeError as error:\n print(error)"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert "refers to Mine, defined in the program that was started" in told
    assert "move it into a module" in told


def test_a_library_that_is_missing_is_named() -> None:
    kept = Kept.of(Majority(), CODEC)
    missing = kept.sink.blobs[0].replace(Majority.__module__.encode(), b"x" * len(Majority.__module__))
    kept.sink.blobs[0] = missing
    with pytest.raises(UnsupportedTypeError, match="No module named 'x"):
        kept.get(trust=TRUSTED)


def test_bytes_that_are_no_estimator_are_told_from_one() -> None:
    kept = Kept.of(LinearRegression().fit(ROWS, CLASSES), CODEC)
    whole = kept.sink.blobs[0]
    for size in (0, 1, 23, 24, 40, len(whole) - 1):
        kept.sink.blobs[0] = whole[:size]
        for trust in (NOBODY, TRUSTED):
            with pytest.raises(CorruptBlobError):
                kept.get(trust=trust)


def test_an_estimator_has_no_rows_and_no_columns() -> None:
    kept = Kept.of(LinearRegression(), CODEC)
    for query in (Query(("a",)), Query(filter=where(a=1))):
        with pytest.raises(Exception, match="has no"):
            kept.get(query)


@pytest.mark.parametrize("estimator", typical()[:4], ids=lambda each: type(each).__name__)
def test_skops_gives_it_back_without_any_pickle(estimator: Any) -> None:
    got = Kept.of(estimator, SkopsCodec()).get()
    np.testing.assert_array_equal(predictions(got), predictions(estimator))


def test_skops_makes_no_type_that_the_reader_does_not_know() -> None:
    kept = Kept.of(Majority().fit(ROWS, CLASSES), SkopsCodec())
    with pytest.raises(UntrustedError, match="Majority"):
        kept.get()
    for trust in (TRUSTED, Trust(types=frozenset({f"{Majority.__module__}.Majority"}))):
        np.testing.assert_array_equal(kept.get(trust=trust).predict(ROWS), np.zeros(150))


# --- the list


@pytest.mark.filterwarnings("ignore:In the future `np.bool`:FutureWarning")
def test_everything_on_the_list_was_reviewed() -> None:
    assert len(known_globals()) > 300
    for module, name in known_globals():
        found = _found(module, name)
        assert found is None or harmless(module, name, found), f"{module} {name}"


def _found(module: str, name: str) -> Any:
    """The thing itself; `None` where this release of the library has none."""
    try:
        return getattr(__import__(module, fromlist=[name]), name, None)
    except ImportError:
        return None


@pytest.mark.parametrize(
    "name",
    [
        *("builtins.eval", "builtins.exec", "builtins.getattr", "builtins.type", "builtins.open", "os.system"),
        *("numpy.ndarray", "numpy.dtype", "numpy.load", "numpy.memmap", "functools.partial", "operator.call"),
        *("pandas.eval", "pandas.read_pickle", "joblib.load", "copyreg._reconstructor", "types.FunctionType"),
        *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar"),
    ],
)
def test_what_could_do_harm_is_not_on_the_list(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert (module, attribute) not in known_globals()
    assert not any(module == "scipy.stats" or module.startswith("scipy.stats.") for module, _ in known_globals())

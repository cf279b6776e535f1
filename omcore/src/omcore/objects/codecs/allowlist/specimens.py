"""Objects whose pickles show which globals the known libraries use: every estimator, fitted, and what it may hold."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import compose, ensemble, feature_selection, linear_model, metrics, model_selection, pipeline
from sklearn import preprocessing as prep
from sklearn.datasets import load_diabetes, load_iris
from sklearn.gaussian_process import kernels
from sklearn.utils import all_estimators

if TYPE_CHECKING:
    from collections.abc import Iterator


def specimens() -> Iterator[Any]:
    """Make them one by one."""
    for _, cls in all_estimators():
        yield from fitted(cls)
    yield from compositions()
    yield from _of_numpy()
    yield from _of_pandas()
    yield from _of_python()


def fitted(cls: type[Any]) -> Iterator[Any]:
    """An estimator, not fitted and fitted to every kind of data that it accepts."""
    for arguments in _arguments():
        try:
            cls(**arguments)
        except TypeError:
            continue
        yield cls(**arguments)
        for data in _data():
            estimator = cls(**arguments)
            try:
                estimator.fit(*data)
            except Exception:  # noqa: BLE001, S112 - an estimator refuses data in whatever way it likes
                continue
            yield estimator


def _arguments() -> list[dict[str, Any]]:
    classifier, regressor = linear_model.LogisticRegression(), linear_model.Ridge()
    named = [("a", linear_model.LogisticRegression()), ("b", linear_model.RidgeClassifier())]
    return [
        {},
        {"estimator": classifier},
        {"estimator": regressor},
        {"estimators": named},
        {"estimators": [("a", linear_model.Ridge()), ("b", linear_model.Lasso())]},
        {"estimator": classifier, "param_grid": {"C": [0.1, 1.0]}},
        {"estimator": classifier, "param_distributions": {"C": [0.1, 1.0]}, "n_iter": 2},
        {"steps": [("scale", prep.StandardScaler()), ("model", classifier)]},
        {"transformer_list": [("scale", prep.StandardScaler())]},
        {"transformers": [("scale", prep.StandardScaler(), [0, 1])]},
        {"dictionary": np.eye(4)},
        {"method": "isotonic"},
        {"solver": "saga", "penalty": "l1"},
        {"solver": "sgd"},
        {"solver": "lbfgs"},
        {"init": linear_model.Ridge()},
        {"algorithm": "ball_tree"},
        {"algorithm": "kd_tree", "metric": "manhattan"},
        {"algorithm": "ball_tree", "metric": "minkowski", "p": 3},
        *({"loss": loss} for loss in _LOSSES),
        *({"kernel": kernel} for kernel in _kernels()),
        *({"random_state": state} for state in (np.random.RandomState(1), np.random.default_rng(1), 1)),
    ]


_LOSSES = (
    *("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber", "quantile"),
    *("epsilon_insensitive", "squared_epsilon_insensitive", "absolute_error", "exponential", "gamma", "poisson"),
)


def _kernels() -> list[Any]:
    simple = [kernels.RBF(), kernels.Matern(), kernels.RationalQuadratic(), kernels.DotProduct(), kernels.WhiteKernel()]
    joined = [kernels.ConstantKernel() * kernels.RBF() + kernels.WhiteKernel(), kernels.RBF() ** 2]
    return [*simple, *joined, kernels.ExpSineSquared(), kernels.PairwiseKernel(), kernels.CompoundKernel(simple)]


def _data() -> list[tuple[Any, ...]]:
    rows, classes = (part[::5] for part in load_iris(return_X_y=True))
    numbers, targets = (part[:30] for part in load_diabetes(return_X_y=True))
    frame = pd.DataFrame(rows, columns=list("abcd"))
    texts = ["a few words", "some more words", "words again", "a last few"] * 5
    return [
        (rows, classes),
        (rows[:20], classes[:20]),
        (frame, pd.Series(classes).map(["x", "y", "z"].__getitem__)),
        (numbers, targets),
        (np.abs(rows), np.abs(targets) + 1),
        (rows[:, 0], rows[:, 1]),
        (rows, rows[:, :2]),
        (rows, np.column_stack([classes, classes == 1])),
        (sparse.csr_matrix(rows), classes),
        (classes,),
        (rows @ rows.T,),
        ([{"a": 1, "b": 2.0}, {"a": 3}],),
        ([("a",), ("a", "b")],),
        (texts,),
        (texts, [0, 1] * 10),
    ]


def compositions() -> Iterator[Any]:
    """Estimators as people put them together."""
    rows, classes = load_iris(return_X_y=True)
    frame = pd.DataFrame(rows, columns=list("abcd")).assign(kind=pd.Categorical(list("uvw") * 50), text=["t"] * 150)
    columns = compose.ColumnTransformer(
        [("n", prep.StandardScaler(), ["a", "b"]), ("k", prep.OneHotEncoder(handle_unknown="ignore"), ["kind"])],
        remainder="drop",
    )
    selected = compose.ColumnTransformer(
        [
            ("n", prep.QuantileTransformer(n_quantiles=10), compose.make_column_selector(dtype_include="number")),
            ("o", prep.OrdinalEncoder(), slice(4, 6)),
        ]
    )
    yield pipeline.Pipeline([("columns", columns), ("model", linear_model.LogisticRegression())]).fit(frame, classes)
    yield pipeline.make_pipeline(selected, ensemble.HistGradientBoostingClassifier(max_iter=3)).fit(frame, classes)
    yield pipeline.make_pipeline(prep.StandardScaler().set_output(transform="pandas")).fit(frame[["a"]])
    for function, inverse in ((np.log1p, np.expm1), (np.log, np.exp), (np.sqrt, np.square), (np.abs, None)):
        yield prep.FunctionTransformer(function, inverse)
    for score in _scores():
        yield pipeline.make_pipeline(feature_selection.SelectKBest(score, k=2), linear_model.Ridge()).fit(rows, classes)
    for name in metrics.get_scorer_names():
        grid = {"C": [0.1, 1.0]}
        yield model_selection.GridSearchCV(linear_model.LogisticRegression(), grid, scoring=metrics.get_scorer(name))
    splits = (model_selection.KFold(2), model_selection.StratifiedKFold(2), model_selection.TimeSeriesSplit(2))
    for split in (*splits, model_selection.ShuffleSplit(2), model_selection.RepeatedKFold(n_splits=2, n_repeats=2)):
        yield model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1.0]}, cv=split).fit(rows, classes)


def _scores() -> list[Any]:
    names = ("f_classif", "chi2", "f_regression", "r_regression", "mutual_info_classif", "mutual_info_regression")
    return [getattr(feature_selection, name) for name in names]


def _of_numpy() -> Iterator[Any]:
    for dtype in ("?", "i1", "u2", "i4", "i8", "f2", "f4", "f8", "c8", "c16", "S3", "U3", "M8[ns]", "m8[s]", "O"):
        yield np.zeros(3, dtype)
        yield np.zeros((2, 3), dtype, order="F")
        yield np.zeros(1, dtype)[0]
    yield np.zeros(2, [("a", "f4"), ("b", "O")])
    yield [np.ma.masked_array([1, 2], mask=[True, False]), np.dtype("f4"), np.dtype([("a", "i4")]), np.dtype("O")]
    yield np.arange(10)[::2]
    for kind in (np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64):
        yield np.random.Generator(kind(1))
        yield np.random.RandomState(kind(1))
    for form in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr"):
        yield sparse.eye(3, format=form)
        yield getattr(sparse, f"{form}_array")(np.eye(3))
    yield [np.float16, np.float32, np.float64, np.bool_, np.str_, np.bytes_, np.object_, np.complex128, np.nan]
    yield [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.datetime64]


def _of_pandas() -> Iterator[Any]:
    days = pd.date_range("2024-01-01", periods=3, freq="D")
    frame = pd.DataFrame({"i": [1, 2, 3], "f": [0.5, None, 1.0], "s": ["a", "b", None], "b": [True, False, True]})
    frame["t"] = days
    frame["z"] = days.tz_localize("Europe/Berlin")
    frame["d"] = days - days[0]
    frame["c"] = pd.Categorical(["u", "v", "u"])
    frame["p"] = days.to_period("M")
    frame["o"] = pd.Series([1, "a", None], dtype=object)
    frame["n"] = pd.array([1, None, 3], dtype="Int64")
    frame["m"] = pd.array([0.5, None, 3], dtype="Float64")
    frame["y"] = pd.array([True, None, False], dtype="boolean")
    frame["x"] = pd.arrays.SparseArray([0, 0, 1])
    frame["v"] = pd.cut([1, 2, 3], 2)
    yield frame
    yield from (column for _, column in frame.items())
    yield from (pd.Index(column) for _, column in frame.items())
    yield from (column.iloc[0] for _, column in frame.items())
    yield frame.set_index(["s", "t"])
    yield frame.set_index("t", drop=False).asfreq("D")
    yield from (pd.NaT, pd.NA, days, pd.RangeIndex(3), days.freq)
    yield pd.array(["a", None], dtype=pd.StringDtype("python"))


def _of_python() -> Iterator[Any]:
    yield [{1}, frozenset({1}), 1j, range(3), slice(1, 2), bytearray(b"a"), ...]
    yield collections.OrderedDict(a=1)
    yield collections.defaultdict(int, a=1)
    yield collections.defaultdict(list, a=[1])
    yield collections.Counter("ab")
    yield collections.deque([1])
    yield [dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.timedelta(1), dt.time(1)]
    yield [decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=1)]
    yield [int, float, str, bool, bytes, list, dict, tuple, object, complex, type(None)]

"""What the framework adds to a task that is kept: its records, and the names of its inputs and outputs."""

from __future__ import annotations

import os
import pickle
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import joblib
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

import omcore as om
from benchmarks.harness import Bar, Duel, Pair
from benchmarks.pairs import handwritten
from omcore.runtimes.backend import Delivery, WorkerEntry
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.storage.backend import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega

ROWS, COLUMNS = 100_000, 20


def _context(folder: Path) -> Omega:
    return om.setup(
        storage={"backend": "embedded", "path": str(folder / "store")}, runtime={"backend": "local", "workers": 1}
    )


@contextmanager
def _noop(folder: Path) -> Iterator[Duel]:
    rows = np.zeros((1, 1))
    path = str(folder / "by-hand.sqlite")
    database = handwritten.tasks(path)
    entry = WorkerEntry(handwritten.execute_kept, handwritten.prepare, b"")
    with (
        _context(folder) as context,
        LocalRuntime(LocalOptions(workers=1), Place("bench", folder / "home"), entry, {}) as runtime,
    ):
        context.models.put(DummyRegressor().fit(rows, [0.0]), "nothing")
        proxy = context.runtime.durable().model("nothing")
        body = "x" * 2000  # what the record of such a task has

        def by_hand() -> Any:
            task = uuid4().hex
            handwritten.submit(database, task, body)
            handle = runtime.submit(Delivery(task, pickle.dumps((path, task), protocol=5)))
            handle.wait(None)
            return handle.outcome()

        yield Duel(lambda: proxy.predict(rows).get(), by_hand)


@contextmanager
def _fit(folder: Path, estimator: Any) -> Iterator[Duel]:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.standard_normal((ROWS, COLUMNS)), columns=[f"x{at}" for at in range(COLUMNS)])
    frame["y"] = (frame["x0"] + random.standard_normal(ROWS) > 0).astype(int)
    names = list(frame.columns[:-1])
    source, target = folder / "data.parquet", folder / "model.joblib"
    frame.to_parquet(source)

    def by_hand() -> None:
        rows, wanted = pd.read_parquet(source, columns=names), pd.read_parquet(source, columns=["y"])["y"]
        with target.open("wb") as file:
            joblib.dump(estimator.fit(rows, wanted), file)
            file.flush()
            os.fsync(file.fileno())

    with _context(folder) as context:
        context.datasets.put(frame, "data")
        context.models.put(estimator, "model")
        inputs = f"data[{','.join(names)}]", "data[y]"
        yield Duel(lambda: context.runtime.model("model").fit(*inputs).get(), by_hand)


CLOSE = Bar(ratio=1.15)
"""What names may cost."""

_linear = partial(_fit, estimator=LinearRegression())
_logistic = partial(_fit, estimator=LogisticRegression())

PAIRS = (
    Pair("durable.noop", "a durable task", "its transactions by hand", Bar(ratio=1.5), 20, _noop, calls=20),
    Pair("fit.linear", "fit by names", "read, fit and dump by hand", CLOSE, 10, _linear),
    Pair("fit.logistic", "fit by names", "read, fit and dump by hand", CLOSE, 10, _logistic),
)

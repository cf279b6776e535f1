"""What the framework adds to a prediction of one row: in this process, and through a worker process."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import joblib
from loky import ProcessPoolExecutor
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import omcore as om
from benchmarks.harness import Bar, Duel, Pair
from benchmarks.pairs import handwritten
from omcore.runtimes.backend import Delivery, WorkerEntry
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.runtimes.task import new_id
from omcore.storage.backend import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.backend import EngineHandle


def _fitted() -> tuple[Any, Any]:
    """A small model, and one row for it."""
    rows, target = load_breast_cancer(return_X_y=True)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target), rows[:1]


def _context(folder: Path) -> Omega:
    return om.setup(
        storage={"backend": "embedded", "path": str(folder / "store")}, runtime={"backend": "local", "workers": 1}
    )


@contextmanager
def _inline(folder: Path) -> Iterator[Duel]:
    model, row = _fitted()
    with _context(folder) as context:
        context.models.put(model, "model")
        proxy = context.runtime.mode(local=True).model("model")
        yield Duel(lambda: proxy.predict(row).get(), lambda: model.predict(row))


@contextmanager
def _worker(folder: Path) -> Iterator[Duel]:
    model, row = _fitted()
    path = str(folder / "model.joblib")
    joblib.dump(model, path)
    with _context(folder) as context, ProcessPoolExecutor(max_workers=1) as pool:
        context.models.put(model, "model")
        proxy = context.runtime.model("model")
        yield Duel(lambda: proxy.predict(row).get(), lambda: pool.submit(handwritten.predict, path, row).result())


@contextmanager
def _same_pool(folder: Path, number: int = 1) -> Iterator[Duel]:
    model, row = _fitted()
    path = str(folder / "model.joblib")
    joblib.dump(model, path)
    entry = WorkerEntry(handwritten.execute, handwritten.prepare, b"")
    with (
        _context(folder) as context,
        LocalRuntime(LocalOptions(workers=1), Place("bench", folder / "home"), entry, {}) as runtime,
    ):
        context.models.put(model, "model")
        proxy = context.runtime.model("model")

        def send() -> EngineHandle:
            return runtime.submit(Delivery(new_id(), pickle.dumps((path, row), protocol=5)))

        def wait(handle: EngineHandle) -> Any:
            handle.wait(None)
            return pickle.loads(handle.outcome())

        def pipelined() -> object:
            return [handle.get() for handle in [proxy.predict(row) for _ in range(number)]]

        def pipelined_by_hand() -> object:
            return [wait(handle) for handle in [send() for _ in range(number)]]

        if number == 1:
            yield Duel(lambda: proxy.predict(row).get(), lambda: wait(send()))
        else:
            yield Duel(pipelined, pipelined_by_hand)


STRICT = Bar(ratio=1.3, p95=1.3)
"""What a light prediction may cost."""

_pipelined = partial(_same_pool, number=1000)

PAIRS = (
    Pair("predict.inline", "predict, inline", "estimator.predict", Bar(over=0.5), 20, _inline, calls=50),
    Pair("predict.loky", "predict, a worker", "a task on a loky pool", None, 20, _worker, calls=50),
    Pair("predict.pool", "predict, a worker", "pickles on the same pool", STRICT, 20, _same_pool, calls=50),
    Pair("predict.pipelined", "1,000 predictions", "pickles on the same pool", Bar(ratio=1.3), 5, _pipelined),
)

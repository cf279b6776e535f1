"""A prediction for two million rows in twenty parts, by two workers, against joblib on the same Parquet files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import omcore as om
from benchmarks.harness import Bar, Duel, Pair
from benchmarks.pairs import handwritten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega

PARTS = 20
ROWS = 100_000
COLUMNS = 20
WORKERS = 2


def _part(number: int) -> pd.DataFrame:
    numbers = np.random.default_rng(number).standard_normal((ROWS, COLUMNS))
    return pd.DataFrame(numbers, columns=[f"c{column}" for column in range(COLUMNS)])


def _fill(context: Omega) -> list[str]:
    """Store the model and the rows; the files that hold the rows."""
    first = _part(0)
    context.models.put(make_pipeline(StandardScaler(), LinearRegression()).fit(first, first.sum(axis=1)), "model")
    for number in range(PARTS):
        context.datasets.put(_part(number), "big", append=True)
    storage = context.context.storage
    parts = context.datasets.parted(context.datasets.pin("big").pin).content.parts
    return [str(storage.local_path(part.digest)) for part in parts if part.name == "rows.parquet"]  # type: ignore[attr-defined]


@contextmanager
def _predict(folder: Path) -> Iterator[Duel]:
    with om.setup(
        storage={"backend": "embedded", "path": str(folder / "store")}, runtime={"backend": "local", "workers": WORKERS}
    ) as context:
        files = _fill(context)
        model = str(folder / "model.joblib")
        joblib.dump(context.models.get("model"), model)
        (folder / "out").mkdir()
        proxy = context.runtime.model("model")
        pool = joblib.Parallel(n_jobs=WORKERS, backend="loky")

        def by_hand() -> None:
            targets = [str(folder / "out" / f"{number}.npy") for number in range(len(files))]
            pool(joblib.delayed(handwritten.predict_file)(model, *each) for each in zip(files, targets, strict=True))

        yield Duel(lambda: proxy.predict("big", into="out", parallel=True).get(), by_hand)


PAIRS = (Pair("predict.parallel", "predict, 2M rows in 20 parts", "joblib on the files", Bar(ratio=1.15), 5, _predict),)

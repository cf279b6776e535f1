"""The main job on MongoDB: store, fit and predict in worker processes, promote to another context, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import omcore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.mongod import Mongod


@pytest.fixture
def config(server: Mongod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two contexts on MongoDB and one on this disk; the address is in the environment, and so are the keys."""
    monkeypatch.setenv("MONGO_URL", server.url)
    monkeypatch.setenv("SIGNING_KEY", "a key for this test alone")
    path = tmp_path / "omcore.toml"
    key = 'signing_key = { env = "SIGNING_KEY" }'
    storage = f'storage = {{ backend = "mongo", url = {{ env = "MONGO_URL" }}, database = "job{tmp_path.name[-6:]}" }}'
    contexts = {"dev": f"{storage}\nruntime = {{ backend = 'local', workers = 1 }}", "prod": storage, "laptop": ""}
    path.write_text("".join(f"[contexts.{name}]\n{key}\n{says}\n" for name, says in contexts.items()))
    return path


def test_a_model_is_fitted_by_workers_and_promoted_to_any_other_storage(config: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50.0) * 2 + 1, "name": [f"n{n}" for n in range(50)]})
    with (
        omcore.setup("dev", config=config) as dev,
        omcore.setup("prod", config=config) as prod,
        omcore.setup("laptop", config=config) as laptop,
    ):
        dev.datasets.put(frame, "sales")
        dev.models.put(LinearRegression(), "forecast")
        dev.runtime.model("forecast").fit("sales[x]", "sales[y]").get()
        assert dev.runtime.model("forecast").predict("sales[x]").get() == pytest.approx(frame.y)
        dev.runtime.model("forecast").predict("sales[x]", into="scores").get()
        assert len(dev.datasets.get("scores")) == 50
        dev.models.promote("forecast", prod.models)
        prod.models.promote("forecast", laptop.models)
        dev.datasets.promote("sales", laptop.datasets)
        laptop.datasets.promote("sales", prod.datasets, asname="back")
        for store, name in ((laptop.datasets, "sales"), (prod.datasets, "back")):
            pd.testing.assert_frame_equal(store.get(name), frame)
        assert laptop.models.get("forecast").coef_ == pytest.approx([2.0])


def test_a_task_can_be_asked_for_by_another_client(config: Path) -> None:
    with omcore.setup("dev", config=config) as dev:
        dev.datasets.put(pd.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]}), "sales")
        dev.models.put(LinearRegression(), "forecast")
        task = dev.runtime.model("forecast").fit("sales[x]", "sales[y]")
        with omcore.setup("dev", config=config) as other:
            other.runtime.task(task.id).get(60)
            assert other.models.metadata("forecast").version == 2

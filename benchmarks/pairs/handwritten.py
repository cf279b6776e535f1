"""A task as one writes it by hand for a pool of processes: the model is loaded once a worker, and kept."""

from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@cache
def load(path: str) -> Any:
    """The model, kept."""
    import joblib

    return joblib.load(path)


def prepare(contexts: bytes) -> None:
    """What a worker of the local runtime calls first; there is nothing to do."""


def execute(envelope: bytes) -> bytes:
    """The task on the local runtime itself, without any of the core's promises: pickles in and out."""
    path, rows = pickle.loads(envelope)
    return pickle.dumps(predict(path, rows), protocol=5)


def predict(path: str, rows: np.ndarray[Any, Any]) -> Any:
    """The task."""
    return load(path).predict(rows)

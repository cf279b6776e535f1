"""A task as one writes it by hand for a pool of processes: the model is loaded once a worker, and kept."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@cache
def load(path: str) -> Any:
    """The model, kept."""
    import joblib

    return joblib.load(path)


def predict(path: str, rows: np.ndarray[Any, Any]) -> Any:
    """The task."""
    return load(path).predict(rows)

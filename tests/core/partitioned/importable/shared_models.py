"""Models that workers import: they note what they did, and some end badly."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

if TYPE_CHECKING:
    import pandas as pd


class Noted(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts twice its one column, and appends a line for each call: who called it, and with which rows."""

    def __init__(self, notes: str = "", bad: int = -1) -> None:
        self.notes = notes
        self.bad = bad

    def fit(self, X: Any, y: Any = None) -> Noted:  # noqa: N803
        return self

    def note(self, X: Any) -> list[int]:  # noqa: N803
        rows = [int(number) for number in np.asarray(X).ravel()]
        with Path(self.notes).open("a") as file:
            file.write(f"{os.getpid()} {min(rows)} {max(rows)}\n")
        print(f"rows from {min(rows)}")
        return rows

    def predict(self, X: Any) -> Any:  # noqa: N803
        return np.array(self.note(X)) * 2.0


class Dying(Noted):
    """Kills its worker the first time that it sees the row that is bad."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        rows = self.note(X)
        flag = Path(self.notes + ".died")
        if self.bad in rows and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return np.array(rows) * 2.0


class Raising(Noted):
    """Raises for the row that is bad; with a flag, only the first time."""

    def __init__(self, notes: str = "", bad: int = -1, once: bool = False) -> None:
        super().__init__(notes, bad)
        self.once = once

    def predict(self, X: Any) -> Any:  # noqa: N803
        rows = self.note(X)
        flag = Path(self.notes + ".raised")
        if self.bad in rows and not (self.once and flag.exists()):
            flag.touch()
            raise ValueError(f"row {self.bad} is bad")
        return np.array(rows) * 2.0


class Odd(Noted):
    """Has results that cannot be put together."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        rows = self.note(X)
        return np.array(rows) if rows[0] == 0 else np.array(rows) * 0.5

    def transform(self, X: Any) -> Any:  # noqa: N803
        return np.asarray(X)[:1]

    def decision_function(self, X: Any) -> Any:  # noqa: N803
        return {"rows": len(X)}


class Blocking(Noted):
    """Waits for a file to appear, row by row of its notes."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        import time

        rows = self.note(X)
        while not Path(self.notes + ".go").exists():
            time.sleep(0.02)
        return np.array(rows) * 2.0


class Relabelled(Noted):
    """Gives frames back, with the index of what it was given."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        return X.assign(twice=np.asarray(X).ravel() * 2, text="a", none=None)

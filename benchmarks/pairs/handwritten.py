"""A task as one writes it by hand for a pool of processes: the model is loaded once a worker, and kept."""

from __future__ import annotations

import os
import pickle
import sqlite3
from functools import cache
from pathlib import Path
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


def predict_file(path: str, source: str, target: str) -> None:
    """The task for the rows of one file, whose result is kept as safely as a store keeps it."""
    import numpy as np
    import pandas as pd

    result = load(path).predict(pd.read_parquet(source))
    with Path(target).open("wb") as file:
        np.save(file, result)
        file.flush()
        os.fsync(file.fileno())


def tasks(path: str) -> sqlite3.Connection:
    """A database of tasks, as durable as the embedded store."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, state TEXT, body TEXT)")
    return database


def submit(database: sqlite3.Connection, task: str, body: str) -> None:
    """Keep a task that is about to be sent."""
    database.execute("INSERT INTO tasks VALUES (?, 'PENDING', ?)", (task, body))


_tasks = cache(tasks)


def execute_kept(envelope: bytes) -> bytes:
    """A task that does nothing, and is claimed and ended in the database."""
    path, task = pickle.loads(envelope)
    database = _tasks(path)
    body = database.execute("SELECT body FROM tasks WHERE id = ?", (task,)).fetchone()[0]
    database.execute("UPDATE tasks SET state = 'STARTED', body = ? WHERE id = ? AND state = 'PENDING'", (body, task))
    database.execute("UPDATE tasks SET state = 'SUCCESS', body = ? WHERE id = ? AND state = 'STARTED'", (body, task))
    return b"done"

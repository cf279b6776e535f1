"""Frames of a million rows, in and out, against a Parquet file written and read by hand."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import omcore as om
from benchmarks.harness import Duel, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = 1_000_000


def floats() -> pd.DataFrame:
    """20 columns of random numbers."""
    numbers = np.random.default_rng(1).standard_normal((ROWS, 20))
    return pd.DataFrame(numbers, columns=[f"x{number}" for number in range(20)])


def mixed() -> pd.DataFrame:
    """10 columns: numbers, categories, texts, times, truth values, and gaps."""
    random = np.random.default_rng(1)
    words = np.array([f"word {number}" for number in range(1000)])
    numbers = random.standard_normal(ROWS)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "count": random.integers(0, 100, ROWS),
            "value": numbers,
            "gaps": np.where(numbers > 1, np.nan, numbers),
            "word": words[random.integers(0, 1000, ROWS)],
            "key": [f"key-{number}" for number in range(ROWS)],
            "kind": pd.Categorical(words[random.integers(0, 20, ROWS)]),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 10**8, ROWS), unit="s"),
            "good": numbers > 0,
            "small": numbers.astype("float32"),
        }
    )


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a file, durably."""
    frame.to_parquet(path)
    sync(path)


def sync(path: Path) -> None:
    """Wait until a file and its name are on the disk."""
    for each in (path, path.parent):
        descriptor = os.open(each, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


@contextmanager
def _put(folder: Path, make: Callable[[], pd.DataFrame]) -> Iterator[Duel]:
    frame = make()
    column = frame.columns[0]

    def change() -> None:
        """Every part of the frame is new, so no blob is there already."""
        frame[column] = frame[column] + 1

    with om.setup(storage={"backend": "embedded", "path": str(folder / "store")}) as context:
        path = folder / "peer.parquet"
        yield Duel(lambda: context.datasets.put(frame, "frame"), lambda: write_parquet(frame, path), change, change)


@contextmanager
def _get(folder: Path, make: Callable[[], pd.DataFrame], columns: list[str] | None) -> Iterator[Duel]:
    frame = make()
    path = folder / "peer.parquet"
    write_parquet(frame, path)
    with om.setup(storage={"backend": "embedded", "path": str(folder / "store")}) as context:
        context.datasets.put(frame, "frame")
        del frame
        yield Duel(
            lambda: context.datasets.get("frame", columns=columns), lambda: pd.read_parquet(path, columns=columns)
        )


def _pairs(name: str, make: Callable[[], pd.DataFrame], two: list[str]) -> tuple[Pair, ...]:
    return (
        Pair(f"frames.{name}.put", "put", "to_parquet, fsync", None, 5, partial(_put, make=make)),
        Pair(f"frames.{name}.get", "get", "read_parquet", None, 5, partial(_get, make=make, columns=None)),
        Pair(
            f"frames.{name}.columns",
            "get of two columns",
            "read_parquet of two columns",
            None,
            5,
            partial(_get, make=make, columns=two),
        ),
    )


PAIRS = (*_pairs("floats", floats, ["x3", "x7"]), *_pairs("mixed", mixed, ["value", "word"]))

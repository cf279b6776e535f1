"""A store in MongoDB, against what pymongo does by hand on the same server."""

from __future__ import annotations

import io
import itertools
import shutil
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

import omcore as om
from benchmarks.harness import Bar, Duel, Pair, nothing
from benchmarks.pairs.frames import floats, mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gridfs import GridFSBucket
    from pymongo.database import Database

    from omcore.omega import Omega

CHUNK = 1 << 20
NAMES = 10_000


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Omega, Database[dict[str, Any]]]]:
    """A context on a replica set of one, and the same database for who does it by hand."""
    from tests.services.mongod import Mongod  # here, so that other pairs need no plugin

    folder.mkdir(parents=True, exist_ok=True)
    with Mongod(folder / "mongod", replica_set=True) as server, server.client(w="majority", journal=True) as client:
        options = {"backend": "mongo", "url": server.url, "database": "bench"}
        with om.setup(storage=options) as context:
            yield context, client["bench"]


def _forget(context: Omega) -> None:
    """Empty the cache of blobs on this machine."""
    shutil.rmtree(context.context.place.home / "cache", ignore_errors=True)


def _bucket(database: Database[dict[str, Any]]) -> GridFSBucket:
    from gridfs import GridFSBucket

    return GridFSBucket(database)


def _upload(bucket: GridFSBucket, frame: pd.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    bucket.upload_from_stream("frame", buffer.getvalue(), chunk_size_bytes=CHUNK)


def _download(bucket: GridFSBucket) -> pd.DataFrame:
    buffer = io.BytesIO()
    bucket.download_to_stream_by_name("frame", buffer)
    return pd.read_parquet(buffer)


@contextmanager
def _put(folder: Path, make: Callable[[], pd.DataFrame]) -> Iterator[Duel]:
    frame = make()
    column = frame.columns[0]

    def change() -> None:
        """Every part of the frame is new, so no blob is there already."""
        frame[column] = frame[column] + 1

    with _server(folder) as (context, database):
        bucket = _bucket(database)
        yield Duel(lambda: context.datasets.put(frame, "frame"), lambda: _upload(bucket, frame), change, change)


@contextmanager
def _cold(folder: Path, make: Callable[[], pd.DataFrame]) -> Iterator[Duel]:
    with _server(folder) as (context, database):
        bucket = _bucket(database)
        frame = make()
        context.datasets.put(frame, "frame")
        _upload(bucket, frame)
        del frame
        yield Duel(lambda: context.datasets.get("frame"), lambda: _download(bucket), partial(_forget, context))


@contextmanager
def _warm(folder: Path, make: Callable[[], pd.DataFrame]) -> Iterator[Duel]:
    with _server(folder) as (context, _), om.setup(storage={"backend": "embedded", "path": str(folder)}) as embedded:
        frame = make()
        context.datasets.put(frame, "frame")
        embedded.datasets.put(frame, "frame")
        del frame
        context.datasets.get("frame")
        yield Duel(lambda: context.datasets.get("frame"), lambda: embedded.datasets.get("frame"))


@contextmanager
def _columns(folder: Path, make: Callable[[], pd.DataFrame], two: list[str]) -> Iterator[Duel]:
    with _server(folder) as (context, _):
        context.datasets.put(make(), "frame")
        forget = partial(_forget, context)
        some, whole = partial(context.datasets.get, "frame", columns=two), partial(context.datasets.get, "frame")
        yield Duel(some, whole, forget, forget)


@contextmanager
def _model(folder: Path, *, get: bool) -> Iterator[Duel]:
    model = LinearRegression().fit(np.eye(3), np.ones(3))
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    with _server(folder) as (context, database):
        context.models.put(model, "model")
        raw = database["raw"]
        numbers = itertools.count()
        raw.insert_one({"_id": "model", "data": buffer.getvalue()})
        if get:
            yield Duel(lambda: context.models.get("model"), lambda: raw.find_one({"_id": "model"}))
        else:
            document = {"data": buffer.getvalue()}
            by_hand = lambda: raw.replace_one({"_id": next(numbers)}, document, upsert=True)  # noqa: E731
            yield Duel(lambda: context.models.put(model, "model"), by_hand)


@contextmanager
def _list(folder: Path) -> Iterator[Duel]:
    with _server(folder) as (context, database):
        for number in range(NAMES):
            context.datasets.put({"n": number}, f"name-{number:05}")
        heads = database["omcore.default.records"]
        query = {"_id": {"$regex": "^" + _common_prefix(heads)}, "body.live": "true"}
        shown = {"body.name": 1, "_id": 0}
        yield Duel(context.datasets.list, lambda: list(heads.find(query, shown, batch_size=100_000)))


def _common_prefix(heads: Any) -> str:
    first = heads.find_one({"body.live": "true"})
    return str(first["_id"]).rpartition("/")[0]


@contextmanager
def _promote(folder: Path, size: int) -> Iterator[Duel]:
    with ExitStack() as stack:
        dev, database = stack.enter_context(_server(folder))
        section = dev.context.settings.storage.options
        prod = stack.enter_context(om.setup(storage={**section, "backend": "mongo", "space": "prod"}))
        raw = database["raw"]
        numbers = itertools.count()

        def renew() -> None:
            dev.datasets.put(np.random.default_rng().standard_normal(size // 8), "large")

        def by_hand() -> None:
            raw.replace_one({"_id": next(numbers)}, {"a": 1}, upsert=True)

        yield Duel(lambda: dev.datasets.promote("large", prod.datasets), by_hand, renew, nothing)


def _frames(name: str, make: Callable[[], pd.DataFrame], two: list[str]) -> tuple[Pair, ...]:
    by_hand = "Parquet in memory and GridFS"
    return (
        Pair(f"mongo.{name}.put", "put", by_hand, Bar(ratio=1.15), 5, partial(_put, make=make)),
        Pair(f"mongo.{name}.get", "the first get", by_hand, Bar(ratio=1.15), 5, partial(_cold, make=make)),
        Pair(f"mongo.{name}.again", "the next get", "get, embedded", Bar(ratio=1.1), 5, partial(_warm, make=make)),
        Pair(
            f"mongo.{name}.columns",
            "the first get of two columns",
            "the first get",
            Bar(ratio=0.35) if name == "mixed" else None,
            5,
            partial(_columns, make=make, two=two),
        ),
    )


PAIRS = (
    *_frames("floats", floats, ["x3", "x7"]),
    *_frames("mixed", mixed, ["value", "word"]),
    Pair("mongo.model.put", "put of a small model", "upsert", Bar(ratio=4), 5, partial(_model, get=False), calls=50),
    Pair("mongo.model.get", "get of a small model", "find_one", Bar(ratio=4), 5, partial(_model, get=True), calls=50),
    Pair("mongo.list", "list of 10,000 names", "find, projected", Bar(ratio=1.5), 5, _list, calls=5),
    Pair("mongo.promote.large", "promote 200 MB", "upsert", Bar(ratio=5), 5, partial(_promote, size=200_000_000)),
    Pair("mongo.promote.small", "promote 1 kB", "upsert", Bar(ratio=5), 5, partial(_promote, size=1000), calls=20),
)

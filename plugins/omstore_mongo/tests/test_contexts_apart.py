"""Contexts of one database never see each other's objects, and neither do two buckets of a context."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

import omcore
from omcore.errors import BlobNotFoundError, ObjectNotFoundError
from omcore.storage.backend import Place
from omcore.storage.gc import collect

from .opening import open_mongo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.mongod import Mongod

LARGE = np.arange(500_000.0)


@pytest.fixture
def config(server: Mongod, tmp_path: Path) -> Path:
    """Three contexts with one address."""
    path = tmp_path / "omcore.toml"
    storage = f"storage = {{ backend = 'mongo', url = '{server.url}', database = 'apart{tmp_path.name[-8:]}' }}\n"
    path.write_text("".join(f"[contexts.{name}]\n{storage}" for name in ("dev", "prod", "dev-2")))
    return path


def test_contexts_see_only_what_is_theirs(config: Path) -> None:
    with (
        omcore.setup("dev", config=config) as dev,
        omcore.setup("prod", config=config) as prod,
        omcore.setup("dev-2", config=config) as third,
    ):
        for number, om in enumerate((dev, prod, third)):
            om.datasets.put([number], "mine")
            om["other"].datasets.put([number, number], "mine")
        for number, om in enumerate((dev, prod, third)):
            assert om.datasets.get("mine") == [number]
            assert om["other"].datasets.get("mine") == [number, number]
            assert om.datasets.list() == ["mine"]
        dev.datasets.put(LARGE, "large")
        with pytest.raises(ObjectNotFoundError):
            prod.datasets.get("large")
        assert len({om.context.storage.identity for om in (dev, prod, third)}) == 3


def test_a_blob_that_two_contexts_hold_stays_until_neither_does(server: Mongod, tmp_path: Path) -> None:
    with (
        open_mongo(server, Place("one", tmp_path / "one")) as one,
        open_mongo(server, Place("two", tmp_path / "two")) as two,
    ):
        content = LARGE.tobytes()
        digest = one.write_blob([content]).digest
        with pytest.raises(BlobNotFoundError):
            two.open_blob(digest)
        assert not two.has_blob(digest)
        assert two.share_blobs([digest, "0" * 64], one) == {digest}
        assert collect(one, timedelta(days=-1)).deleted == 1
        with two.open_blob(digest) as file:
            assert file.read() == content
        assert not one.has_blob(digest)
        assert collect(two, timedelta(days=-1)).deleted == 1
        with server.client() as client:
            assert client["kit"]["omcore.blobs"].count_documents({"_id": digest}) == 0
        assert not two.has_blob(digest)


def test_a_blob_is_shared_only_by_who_holds_it(server: Mongod, tmp_path: Path) -> None:
    with (
        open_mongo(server, Place("one", tmp_path / "one")) as one,
        open_mongo(server, Place("two", tmp_path / "two")) as two,
        open_mongo(server, Place("three", tmp_path / "three")) as three,
    ):
        digest = one.write_blob([b"held by one"]).digest
        assert three.share_blobs([digest], two) == frozenset()
        assert not three.has_blob(digest)

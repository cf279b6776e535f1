"""S3, S4: the server is killed, stopped, or at the end of a bad line; neither is shared."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from omcore.testing.storage.served import ServedBars
from omstore_mongo.storage import MongoStorage
from tests.services.mongod import Mongod

from .opening import options_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.testing.storage.served import OpenAt


class BadServerBars(ServedBars):
    markers = (b"commitTransaction", b".records.commits")

    @pytest.fixture
    def open_at(self, server: Mongod) -> OpenAt:
        return lambda port, place: partial(MongoStorage, options_at(server, place, port), place)

    @pytest.fixture
    def open_impatiently(self, server: Mongod) -> OpenAt:
        return lambda port, place: partial(MongoStorage, options_at(server, place, port, self.timeout), place)


@pytest.fixture(scope="module")
def fragile_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with Mongod(tmp_path_factory.mktemp("fragile") / "set", replica_set=True) as server:
        yield server


@pytest.fixture(scope="module")
def fragile_single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with Mongod(tmp_path_factory.mktemp("fragile") / "single", replica_set=False) as server:
        yield server


class TestReplicaSet(BadServerBars):
    @pytest.fixture
    def server(self, fragile_set: Mongod) -> Mongod:
        return fragile_set


class TestStandalone(BadServerBars):
    @pytest.fixture
    def server(self, fragile_single: Mongod) -> Mongod:
        return fragile_single

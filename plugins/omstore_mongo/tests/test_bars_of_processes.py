"""S2, S5, S6, S9, S11 on real servers: processes are killed, count, collect garbage, and open a new storage at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from omcore.testing.storage.bars import StorageBars
from omstore_mongo.storage import MongoStorage

from .opening import options_of
from .saboteurs import PublishesFirst

if TYPE_CHECKING:
    from omcore.storage.backend import Place
    from omcore.testing.storage.bars import OpenPlace
    from tests.services.mongod import Mongod


class MongoBars(StorageBars):
    counters = 8
    increments = 25
    orphans = 150
    openings = 1
    steps = 15

    @pytest.fixture
    def open_anywhere(self, mongod: Mongod) -> OpenPlace:
        return lambda place: partial(MongoStorage, options_of(mongod, place), place)


class TestReplicaSet(MongoBars):
    @pytest.fixture
    def mongod(self, replica_set: Mongod) -> Mongod:
        return replica_set


class TestStandalone(MongoBars):
    @pytest.fixture
    def mongod(self, standalone: Mongod) -> Mongod:
        return standalone

    def test_kills_catch_a_blob_that_is_published_before_its_chunks(self, standalone: Mongod, place: Place) -> None:
        assert self.tears(partial(PublishesFirst, options_of(standalone, place), place))

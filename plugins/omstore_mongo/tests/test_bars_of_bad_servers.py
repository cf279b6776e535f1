"""S3, S4: the server is killed, stopped, or at the end of a bad line; neither is shared."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from omcore.testing.storage.served import ServedBars
from omstore_mongo.storage import MongoStorage

from .opening import options_at
from .saboteurs import RepeatsBlindly

if TYPE_CHECKING:
    from omcore.storage.backend import Place
    from omcore.testing.storage.served import OpenAt
    from tests.services.mongod import Mongod


class BadServerBars(ServedBars):
    markers = (b"commitTransaction", b".records.commits")

    @pytest.fixture
    def open_at(self, server: Mongod) -> OpenAt:
        return lambda port, place: partial(MongoStorage, options_at(server, place, port), place)

    @pytest.fixture
    def open_impatiently(self, server: Mongod) -> OpenAt:
        return lambda port, place: partial(MongoStorage, options_at(server, place, port, self.timeout), place)


class TestReplicaSet(BadServerBars):
    @pytest.fixture
    def server(self, fragile_set: Mongod) -> Mongod:
        return fragile_set


class TestStandalone(BadServerBars):
    @pytest.fixture
    def server(self, fragile_single: Mongod) -> Mongod:
        return fragile_single

    def test_a_bad_line_catches_one_who_repeats_blindly(self, server: Mongod, place: Place) -> None:
        def open_through(port: int) -> MongoStorage:
            return RepeatsBlindly(options_at(server, place, port), place)

        assert any(trial.problems for trial in self.trials(open_through, server.port, 50))

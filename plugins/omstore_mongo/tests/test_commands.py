"""How often the server is asked: counted exactly, on a replica set."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pymongo.monitoring
import pytest
from sklearn.linear_model import LinearRegression

import omcore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega
    from tests.services.mongod import Mongod

WRITES = {"insert", "update", "delete", "findAndModify", "commitTransaction"}


class Listener(pymongo.monitoring.CommandListener):
    """Writes down the name of every command of the clients made since, that are about this storage."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if event.command_name not in {"hello", "ping", "saslStart", "saslContinue", "endSessions"}:
            self.commands.append(event.command_name)

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...


LISTENER = Listener()
pymongo.monitoring.register(LISTENER)


@contextmanager
def counted() -> Iterator[list[str]]:
    LISTENER.commands.clear()
    found: list[str] = []
    yield found
    found += LISTENER.commands


@pytest.fixture
def om(replica_set: Mongod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Omega]:
    monkeypatch.chdir(tmp_path)
    with omcore.setup(storage={"backend": "mongo", "url": replica_set.url, "database": "counted"}) as opened:
        opened.datasets.put({"n": 1}, "settings")
        opened.models.put(LinearRegression().fit(np.eye(2), np.ones(2)), "model")
        yield opened


def options_of(om: Omega) -> dict[str, Any]:
    return {**om.context.settings.storage.options, "backend": "mongo"}


def test_what_is_said_about_an_object_takes_one_command(om: Omega) -> None:
    with counted() as commands:
        om.models.metadata("model")
    assert commands == ["find"]


def test_a_list_takes_one_command_however_long_it_is(om: Omega) -> None:
    for number in range(300):
        om.jobs.exists(f"name-{number}")
        om.datasets.put(number, f"number-{number:03}")
    with counted() as commands:
        assert len(om.datasets.list("number-*")) == 300
    assert commands == ["find"]


def test_a_small_object_is_read_with_two_commands_before_its_bytes(om: Omega) -> None:
    with omcore.setup(storage=options_of(om)) as another:
        another.datasets.list()
        om.datasets.put({"n": 3}, "settings")
        with counted() as commands:
            assert another.datasets.get("settings") == {"n": 3}
    assert commands == ["find"] * 3


def test_a_small_object_is_put_with_four_commands(om: Omega) -> None:
    for name in ("new", "settings"):
        with counted() as commands:
            om.datasets.put({"n": 2}, name)
        assert len(commands) <= 4, commands


def test_a_warm_model_is_got_with_one_command(om: Omega) -> None:
    om.models.get("model")
    with counted() as commands:
        om.models.get("model")
    assert commands == ["find"]


def test_a_warm_predict_reads_once_and_writes_nothing(om: Omega) -> None:
    here = om.runtime.mode(local=True).model("model")
    here.predict(np.eye(2)).get()
    with counted() as commands:
        here.predict(np.eye(2)).get()
    assert commands == ["find"]


def test_a_promotion_within_a_database_moves_no_bytes(om: Omega) -> None:
    with omcore.setup(storage={**options_of(om), "space": "prod"}) as prod:
        om.datasets.put(np.arange(1_000_000.0), "large")
        prod.datasets.list()
        with counted() as commands:
            assert om.datasets.promote("large", prod.datasets).copied.blobs == 0
        assert "insert" not in commands
        assert len(commands) <= 9, commands

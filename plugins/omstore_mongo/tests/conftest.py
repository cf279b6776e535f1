"""Real servers: one alone, and one that is a replica set with users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.mongod import Mongod

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test lies in the folders of who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with Mongod(tmp_path_factory.mktemp("standalone"), replica_set=False) as server:
        yield server


@pytest.fixture(scope="session")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with Mongod(tmp_path_factory.mktemp("replicas"), replica_set=True) as server:
        yield server


@pytest.fixture(scope="session", params=["replica_set", "standalone"])
def server(request: pytest.FixtureRequest) -> Mongod:
    """Each kind of server in turn."""
    found: Mongod = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def fragile_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server that the tests of one module may kill and stop, so long as they start it again."""
    with Mongod(tmp_path_factory.mktemp("fragile") / "set", replica_set=True) as server:
        yield server


@pytest.fixture(scope="module")
def fragile_single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with Mongod(tmp_path_factory.mktemp("fragile") / "single", replica_set=False) as server:
        yield server


@pytest.fixture(params=["fragile_set", "fragile_single"])
def fragile(request: pytest.FixtureRequest) -> Mongod:
    """Each kind of such a server in turn."""
    found: Mongod = request.getfixturevalue(request.param)
    return found

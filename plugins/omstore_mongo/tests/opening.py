"""How the tests open storages: each place of its own in one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from omcore.storage.digests import digest_of
from omstore_mongo.options import MongoOptions
from omstore_mongo.storage import MongoStorage

if TYPE_CHECKING:
    from omcore.storage.backend import Place
    from tests.services.mongod import Mongod

DATABASE = "kit"


def space_of(place: Place) -> str:
    return digest_of(str(place.home).encode())[:16]


def options_of(server: Mongod, place: Place) -> MongoOptions:
    return MongoOptions(url=SecretStr(server.url), database=DATABASE, space=space_of(place))


def options_at(server: Mongod, place: Place, port: int, timeout: float = 30.0) -> MongoOptions:
    """To the server through a port that leads to it."""
    url = server.url if port == server.port else server.url_through(port)
    return MongoOptions(url=SecretStr(url), database=DATABASE, space=space_of(place), timeout=timeout)


def open_mongo(server: Mongod, place: Place) -> MongoStorage:
    return MongoStorage(options_of(server, place), place)

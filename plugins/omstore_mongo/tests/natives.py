"""Stores on real servers, with the codecs of this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.registry import CodecRegistry
from omcore.objects.store import ObjectStore, TrustRules
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omstore_mongo.plugin import om_codecs
from tests.core.promotion.world import Log

from .opening import DATABASE, open_mongo

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.storage.backend import StorageBackend
    from omstore_mongo.storage import MongoStorage
    from tests.services.mongod import Mongod

DATA = "depot"
"""The database of somebody else's programs."""


def opened(server: Mongod, folder: Path) -> MongoStorage:
    return open_mongo(server, Place(folder.name, folder))


def datasets(storage: StorageBackend, context: str = "dev", bucket: str = "omega") -> ObjectStore:
    codecs = CodecRegistry([*om_codecs(), *BUILTIN])
    return ObjectStore("datasets", bucket, context, storage, codecs, KeyRing(), Log(), TrustRules(), "ann@here")


def collections_of(server: Mongod) -> list[str]:
    """The collections that hold documents of ours, finished and not."""
    with server.client() as client:
        pattern = {"name": {"$regex": r"^omcore\.(documents|arriving|leaving)\."}}
        return client[DATABASE].list_collection_names(filter=pattern)


def rows_of(server: Mongod, collection: str) -> list[dict[str, Any]]:
    """The documents of a collection of ours, as any other program sees them."""
    with server.client() as client:
        return list(client[DATABASE][collection].find(sort=[("_id", 1)]))

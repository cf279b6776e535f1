"""Inserts that may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo.errors import BulkWriteError

from omstore_mongo.errors import DUPLICATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymongo.collection import Collection


def insert_once(collection: Collection[Any], documents: Iterable[Any]) -> None:
    """Insert documents with ids that only their writer knows; those that it has inserted before are let be.

    Raises:
        PyMongoError: anything else, a write that too few members have acknowledged among it.
    """
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        others = [one for one in error.details["writeErrors"] if one["code"] != DUPLICATE]
        if others or error.details.get("writeConcernErrors"):
            raise

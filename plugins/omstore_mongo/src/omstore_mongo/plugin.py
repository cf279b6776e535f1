"""The codecs that this plugin brings, by name: nothing here imports pymongo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.plugin import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omcore.objects.codecs.base import CodecEntry


@hookimpl
def om_codecs() -> Iterable[CodecEntry]:
    """Collections as they are, and frames as documents."""
    from omcore.objects.codecs.base import CodecEntry

    datasets = frozenset({"datasets"})
    collection = ("pymongo.synchronous.collection.Collection", "pymongo.collection.Collection")
    return (
        CodecEntry("mongo.collection", "omstore_mongo.collections:CollectionCodec", collection, datasets),
        # no types: it is chosen by naming the kind
        CodecEntry("mongo.documents", "omstore_mongo.documents:DocumentsCodec", (), datasets),
    )

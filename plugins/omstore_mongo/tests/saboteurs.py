"""Storages in MongoDB that make a mistake which only documents and servers can make; the bars must catch them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import Binary, ObjectId

from omcore.errors import ConflictError
from omcore.storage.backend import Put
from omcore.storage.digests import Digester
from omstore_mongo import rows
from omstore_mongo.storage import MongoStorage
from omstore_mongo.uploads import batches, documents, pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omcore.storage.backend import BlobInfo, Change


class PublishesFirst(MongoStorage):
    """Writes the document of a blob, and then its chunks."""

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        pieces, digester, upload = list(pieces_of(chunks)), Digester(), ObjectId()
        made = list(documents(upload, iter(pieces), digester))
        digests = digester.result()
        self._blobs._publish(digests.info, {"data": None, "upload": upload, "digests": Binary(digests.to_bytes())})
        for batch in batches(made):
            self._blobs._send(batch)
        return digests.info


class RepeatsBlindly(MongoStorage):
    """Repeats a change that got no answer, and does not ask whether it was made."""

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        if len(changes) > 1 or not isinstance(changes[0], Put):
            return super().commit(changes)
        new = rows.rows_of(changes)[changes[0].key]
        update = rows.updated(new)
        records = self._records._collection
        query = rows.unchanged(changes[0])
        with self._connection.translated("commit changes"):
            if changes[0].expected is None:
                return super().commit(changes)
            done = self._connection.repeated(lambda: records.update_one(query, update))
        if not done.matched_count:
            raise ConflictError(changes[0].key, changes[0].expected, None)
        return {changes[0].key: new["revision"]}

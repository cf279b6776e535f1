"""Waits for changes of records: by a change stream, or on a server that has none, by looking again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from omstore_mongo import rows

if TYPE_CHECKING:
    from omstore_mongo.connection import Connection, Document

LONGEST_WAIT = 1.0
"""Seconds that the server is left to wait for a change before it is asked again."""

INTERVAL = 0.1
"""Seconds between two looks at the revisions, on a server without change streams."""


class Watch:
    """Wakes who waits for a change in one collection of records."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    def wait(self, prefix: str, timeout: float) -> bool:
        """See `SupportsWatch.wait_for_change`."""
        end = time.monotonic() + timeout
        with self._connection.translated("wait for a change"):
            return self._stream(prefix, end) if self._connection.has_transactions else self._look(prefix, end)

    def _stream(self, prefix: str, end: float) -> bool:
        changed: list[Document] = [{"$match": {"documentKey._id": rows.within(prefix, None)["_id"]}}]
        longest = int(1000 * min(LONGEST_WAIT, max(0.001, end - time.monotonic())))
        with self._connection.collection(self._name).watch(changed, max_await_time_ms=longest) as stream:
            while stream.try_next() is None:
                if time.monotonic() >= end:
                    return False
        return True

    def _look(self, prefix: str, end: float) -> bool:
        before = self._revisions(prefix)
        while (rest := end - time.monotonic()) > 0:
            time.sleep(min(INTERVAL, rest))
            if self._revisions(prefix) != before:
                return True
        return False

    def _revisions(self, prefix: str) -> list[Document]:
        """What a change changes: also a commit that is on its way is one."""
        shown = {"revision": 1, "next.commit": 1}
        return list(self._connection.collection(self._name).find(rows.within(prefix, None), shown, sort=[("_id", 1)]))

"""What durable tasks print and log, in the context's storage, piece by piece while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.errors import ConflictError
from omcore.storage.backend import Delete, Put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.storage.backend import StorageBackend

PREFIX = "logs/"

PIECE = 256 << 10
"""Characters of a piece at most."""


class LogWriter:
    """Writes the log of one attempt of one task."""

    def __init__(self, storage: StorageBackend, task_id: str, attempt: int) -> None:
        self._storage = storage
        self._prefix = f"{PREFIX}{task_id}/{attempt:06}-"
        self._pieces = 0

    def changes(self, text: str) -> list[Put]:
        """The changes that add some text, to be committed with others, or by `write`."""
        pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        keys = [f"{self._prefix}{self._pieces + number:06}" for number in range(len(pieces))]
        return [Put(key, {"text": piece}, None) for key, piece in zip(keys, pieces, strict=True)]

    def write(self, text: str) -> None:
        """Add some text."""
        changes = self.changes(text)
        if changes:
            self._storage.commit(changes)
            self._pieces += len(changes)


class TaskLogs:
    """The logs of one context's durable tasks."""

    def __init__(self, storage: StorageBackend) -> None:
        self._storage = storage

    def writer(self, task_id: str, attempt: int) -> LogWriter:
        """A writer for one attempt."""
        return LogWriter(self._storage, task_id, attempt)

    def read(self, task_id: str, after: str | None = None) -> Iterator[tuple[str, str]]:
        """The pieces of a task's log behind the one with the key `after`: key and text."""
        while page := self._storage.find_records(f"{PREFIX}{task_id}/", None, after):
            for record in page:
                after = record.key
                yield record.key, record.body["text"]

    def forget(self, task_id: str) -> None:
        """Remove the log of a task."""
        for record in list(self._storage.scan_records(f"{PREFIX}{task_id}/", None, ())):
            try:
                self._storage.commit([Delete(record.key, record.revision)])
            except ConflictError:
                continue

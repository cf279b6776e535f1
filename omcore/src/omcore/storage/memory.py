"""A storage in this process's memory: the reference that every other backend is compared with."""

from __future__ import annotations

import bisect
import io
import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Condition, RLock
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from pydantic import BaseModel, ConfigDict

from omcore.errors import BlobNotFoundError, ConflictError, CorruptBlobError, StorageError
from omcore.storage.backend import PAGE, BlobInfo, Change, Put, Record, StorageBackend
from omcore.storage.bodies import check_changes, check_key, check_limit, check_prefix, encode_body, matches, project
from omcore.storage.digests import digest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from omcore.storage.backend import Place
    from omcore.storage.bodies import Scalar


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A content, and when it was last asked for."""

    content: bytes
    renewed: datetime


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A body as JSON text, and its revision."""

    text: str
    revision: str


@dataclass(slots=True)
class Space:
    """What one memory storage holds; `keys` are the keys of `rows`, sorted."""

    identity: str = field(default_factory=lambda: secrets.token_hex(16))
    lock: RLock = field(default_factory=RLock)
    blobs: dict[str, StoredBlob] = field(default_factory=dict)
    rows: dict[str, StoredRecord] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    changed: Condition = field(init=False)

    def __post_init__(self) -> None:
        self.changed = Condition(self.lock)

    def revisions(self, prefix: str) -> dict[str, str]:
        """The revisions of the records under a prefix."""
        return {key: row.revision for key, row in self.rows.items() if key.startswith(prefix)}


class MemoryOptions(BaseModel):
    """What the configuration may say about a storage in memory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    """Openings of one name share their data until the process ends; without a name, data ends with the opening."""


class MemoryStorage(StorageBackend):
    """Keeps everything in memory. Simple rather than fast; nothing is shared with another process."""

    api_version = 1
    Options = MemoryOptions

    # The memory of the process is the medium here, as a disk is elsewhere: what is named outlives its openings.
    _named: ClassVar[dict[str, Space]] = {}

    def __init__(self, options: MemoryOptions, place: Place) -> None:  # noqa: ARG002 -- memory has no place
        self._closed = False
        self._name = options.name or ""
        self._opened = Space() if options.name is None else self._named.setdefault(options.name, Space())

    @property
    def address(self) -> str:
        return f"memory:{self._name}"

    @property
    def identity(self) -> str:
        return self._opened.identity

    @property
    def _space(self) -> Space:
        if self._closed:
            raise StorageError("this storage in memory is closed; open it again")
        return self._opened

    # --- blobs

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        space = self._space
        content = b"".join(bytes(chunk) for chunk in chunks)
        info = BlobInfo(digest_of(content), len(content))
        with space.lock:
            space.blobs[info.digest] = StoredBlob(content, datetime.now(UTC))
        return info

    def open_blob(self, digest: str) -> BinaryIO:
        blob = self._space.blobs.get(digest)
        if blob is None:
            raise BlobNotFoundError(f"no blob {digest!r} is in this storage in memory")
        if digest_of(blob.content) != digest:
            raise CorruptBlobError(f"the bytes of blob {digest!r} do not match its digest")
        return io.BytesIO(blob.content)

    def has_blob(self, digest: str) -> bool:
        space = self._space
        with space.lock:
            if blob := space.blobs.get(digest):
                space.blobs[digest] = replace(blob, renewed=datetime.now(UTC))
        return blob is not None

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        with self._space.lock:
            found = [(digest, blob) for digest, blob in self._space.blobs.items() if blob.renewed < older_than]
        return (BlobInfo(digest, len(blob.content)) for digest, blob in found)

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        space = self._space
        with space.lock:
            blob = space.blobs.get(digest)
            if blob is None or blob.renewed >= older_than:
                return False
            del space.blobs[digest]
        return True

    # --- records

    def get_record(self, key: str) -> Record | None:
        check_key(key)
        row = self._space.rows.get(key)
        return None if row is None else Record(key, json.loads(row.text), row.revision)

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        check_prefix(prefix)
        check_prefix(after or "")
        check_limit(limit)
        page: list[Record] = []
        space = self._space
        with space.lock:
            start = max(bisect.bisect_left(space.keys, prefix), bisect.bisect_right(space.keys, after or ""))
            while start < len(space.keys) and len(page) < limit and (key := space.keys[start]).startswith(prefix):
                body, revision = json.loads(space.rows[key].text), space.rows[key].revision
                if matches(body, where or {}):
                    page.append(Record(key, project(body, fields), revision))
                start += 1
        return page

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        check_changes(changes)
        texts = {change.key: encode_body(change) for change in changes if isinstance(change, Put)}
        revisions = {key: secrets.token_urlsafe(12) for key in texts}
        space = self._space
        with space.lock:
            for change in changes:
                found = row.revision if (row := space.rows.get(change.key)) else None
                if found != change.expected:
                    raise ConflictError(change.key, change.expected, found)
            for change in changes:
                if isinstance(change, Put):
                    self._set(change.key, StoredRecord(texts[change.key], revisions[change.key]))
                else:
                    self._remove(change.key)
            space.changed.notify_all()
        return revisions

    def wait_for_change(self, prefix: str, timeout: float) -> bool:
        """See `SupportsWatch`."""
        space = self._space
        with space.changed:
            before = space.revisions(prefix)
            return space.changed.wait_for(lambda: space.revisions(prefix) != before, timeout)

    def _set(self, key: str, row: StoredRecord) -> None:
        if key not in self._space.rows:
            bisect.insort(self._space.keys, key)
        self._space.rows[key] = row

    def _remove(self, key: str) -> None:
        del self._space.rows[key]
        self._space.keys.remove(key)

    def close(self) -> None:
        self._closed = True

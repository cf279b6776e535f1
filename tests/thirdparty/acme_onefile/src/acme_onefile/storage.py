"""Blobs and records in the tables of one SQLite file."""

from __future__ import annotations

import io
import json
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from blake3 import blake3
from pydantic import BaseModel

from acme_onefile.blobfile import BlobFile
from acme_onefile.database import Database
from omcore.errors import BlobNotFoundError, ConflictError, CorruptBlobError, CorruptRecordError
from omcore.storage.backend import CHUNK_SIZE, PAGE, BlobInfo, Put, Record, StorageBackend
from omcore.storage.bodies import check_changes, check_key, check_limit, check_prefix, encode_body, matches, project
from omcore.storage.digests import Digester

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from omcore.storage.backend import Change, Place
    from omcore.storage.bodies import Scalar

WIDTH = 32
"""Bytes of a digest."""

SELECT = "SELECT key, revision, body, checksum FROM record"
ORPHANS = "FROM piece WHERE written < ? AND owner NOT IN (SELECT digest FROM blob)"


class OneFileOptions(BaseModel, extra="forbid", frozen=True):
    """What the configuration may say: the file, by default `store.sqlite` in the context's own folder."""

    file: Path | None = None


class OneFileStorage(StorageBackend):
    """Keeps each blob as pieces of one chunk, and each record as text with a checksum."""

    api_version = 1
    Options = OneFileOptions

    def __init__(self, options: OneFileOptions, place: Place) -> None:
        self._database = Database((options.file or place.home / "store.sqlite").expanduser().absolute())
        found = self._database.one("SELECT value FROM identity")
        if found is None:
            raise CorruptRecordError(f"{self._database.file} has lost its identity; restore a backup")
        self._identity: str = found[0]

    @property
    def address(self) -> str:
        return self._database.file.as_uri()

    @property
    def identity(self) -> str:
        return self._identity

    def close(self) -> None:
        self._database.closed = True

    # --- blobs

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        upload, digester = secrets.token_hex(16), Digester()
        try:
            for number, piece in enumerate(_pieces(chunks, digester)):
                with self._database.transaction() as connection:
                    row = (upload, number, time.time(), piece)
                    connection.execute("INSERT INTO piece VALUES (?, ?, ?, ?)", row)
            digests = digester.result()
            info = digests.info
            with self._database.transaction() as connection:  # before this commit nobody sees the blob
                connection.execute("DELETE FROM piece WHERE owner = ?", (info.digest,))
                connection.execute("UPDATE piece SET owner = ? WHERE owner = ?", (info.digest, upload))
                blob = (info.digest, info.size, b"".join(digests.chunks), time.time())
                connection.execute("INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?)", blob)
        except BaseException:
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM piece WHERE owner = ?", (upload,))
            raise
        return info

    def open_blob(self, digest: str) -> BinaryIO:
        found = self._database.one("SELECT size, chunks FROM blob WHERE digest = ?", digest)
        if found is None:
            raise BlobNotFoundError(f"no blob {digest!r} is in {self._database.file}")
        size, chunks = found
        expected = [chunks[at : at + WIDTH] for at in range(0, len(chunks), WIDTH)]
        return io.BufferedReader(BlobFile(size, lambda number: self._piece(digest, number, expected[number])))

    def _piece(self, digest: str, number: int, expected: bytes) -> bytes:
        found = self._database.one("SELECT content FROM piece WHERE owner = ? AND number = ?", digest, number)
        if found is None:
            raise BlobNotFoundError(f"blob {digest!r} was deleted from {self._database.file} while it was read")
        content: bytes = found[0]
        if blake3(content).digest() != expected:
            raise CorruptBlobError(f"blob {digest!r} in {self._database.file} is damaged in chunk {number}")
        return content

    def has_blob(self, digest: str) -> bool:
        with self._database.transaction() as connection:
            query = "UPDATE blob SET renewed = ? WHERE digest = ?"
            return connection.execute(query, (time.time(), digest)).rowcount == 1

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        query = "SELECT digest, size FROM blob WHERE renewed < ?"
        with self._database.connection() as connection:
            found = connection.execute(query, (older_than.timestamp(),)).fetchall()
        return (BlobInfo(digest, size) for digest, size in found)

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        query = "DELETE FROM blob WHERE digest = ? AND renewed < ?"
        with self._database.transaction() as connection:
            gone = connection.execute(query, (digest, older_than.timestamp())).rowcount == 1
            if gone:
                connection.execute("DELETE FROM piece WHERE owner = ?", (digest,))
        return gone

    def sweep(self, older_than: datetime) -> int:
        when = (older_than.timestamp(),)
        with self._database.transaction() as connection:
            size = connection.execute(f"SELECT total(length(content)) {ORPHANS}", when).fetchone()[0]
            connection.execute(f"DELETE {ORPHANS}", when)
        return int(size)

    # --- records

    def get_record(self, key: str) -> Record | None:
        check_key(key)
        row = self._database.one(f"{SELECT} WHERE key = ?", key)
        return None if row is None else self._record(*row)

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
        query = f"{SELECT} WHERE key >= ? AND key > ? AND substr(key, 1, ?) = ? ORDER BY key"
        page: list[Record] = []
        with self._database.connection() as connection:
            for row in connection.execute(query, (prefix, after or "", len(prefix), prefix)):
                record = self._record(*row)
                if matches(record.body, where or {}):
                    page.append(Record(record.key, project(record.body, fields), record.revision))
                if len(page) == limit:
                    break
        return page

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        check_changes(changes)
        rows = {change.key: _row(change) for change in changes if isinstance(change, Put)}
        with self._database.transaction() as connection:
            for change in changes:
                row = connection.execute("SELECT revision FROM record WHERE key = ?", (change.key,)).fetchone()
                found = None if row is None else row[0]
                if found != change.expected:
                    raise ConflictError(change.key, change.expected, found)
                if change.key in rows:
                    connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", rows[change.key])
                else:
                    connection.execute("DELETE FROM record WHERE key = ?", (change.key,))
        return {key: row[1] for key, row in rows.items()}

    def _record(self, key: str, revision: str, body: str, expected: bytes) -> Record:
        if _checksum(key, revision, body) != expected:
            raise CorruptRecordError(f"record {key!r} in {self._database.file} is damaged; restore a backup")
        content: dict[str, Any] = json.loads(body)
        return Record(key, content, revision)


def _pieces(chunks: Iterable[bytes | bytearray | memoryview], digester: Digester) -> Iterator[bytes]:
    """The same bytes in pieces of one chunk, digested on the way."""
    rest = bytearray()
    for chunk in chunks:
        digester.update(chunk)
        rest += chunk
        while len(rest) >= CHUNK_SIZE:
            yield bytes(rest[:CHUNK_SIZE])
            del rest[:CHUNK_SIZE]
    if rest:
        yield bytes(rest)


def _row(put: Put) -> tuple[str, str, str, bytes]:
    body, revision = encode_body(put), secrets.token_urlsafe(12)
    return put.key, revision, body, _checksum(put.key, revision, body)


def _checksum(*texts: str) -> bytes:
    return blake3("\0".join(texts).encode()).digest(16)

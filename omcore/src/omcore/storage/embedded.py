"""The storage that needs no server: records in SQLite, blobs as files, in one folder on a local disk."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field

from omcore.errors import CorruptRecordError, StorageError, StorageUnavailableError
from omcore.storage.backend import PAGE, StorageBackend
from omcore.storage.blobs import BlobFolder
from omcore.storage.osfiles import make_folder, mounted, refuse_network_mount, sync_path, translated
from omcore.storage.records import TABLES, RecordTable
from omcore.storage.sqlite import Database

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from omcore.storage.backend import BlobInfo, Change, Place, Record
    from omcore.storage.bodies import Scalar

_SECRET_BYTES = 32


class EmbeddedOptions(BaseModel):
    """What the configuration may say about the embedded storage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = None
    """The folder of the storage; a relative one, such as the default `store`, is in the context's own folder."""

    durability: Literal["full", "process"] = "full"
    """What an acknowledged write survives: the loss of power, or only the death of this process (faster)."""

    busy_timeout: float = Field(default=30.0, gt=0)
    """The seconds to wait while another process writes."""


class EmbeddedStorage(StorageBackend):
    """Keeps records in `records.sqlite` and blobs in `blobs/`; offers `SupportsLocalPath` and `SupportsKey`."""

    api_version = 1
    Options = EmbeddedOptions

    def __init__(self, options: EmbeddedOptions, place: Place) -> None:
        self._path = (place.home / (options.path or Path("store")).expanduser()).absolute()
        self._closed = False
        durable = options.durability == "full"
        refuse_network_mount(self._path.resolve(), mounted())
        with translated(f"open the storage in {self._path}", StorageUnavailableError):
            make_folder(self._path)
            self._blobs = BlobFolder(self._path, durable=durable)
            self._blobs.clear_temporary(datetime.now(UTC) - timedelta(days=1))
            _refuse_lost_records(self._path)
            self._database = Database(
                self._path / "records.sqlite", [TABLES], durable=durable, busy_timeout=options.busy_timeout
            )
        self._records = RecordTable(self._database)
        try:
            self._identity = self._records.identity()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        return self._path.as_uri()

    @property
    def identity(self) -> str:
        return self._identity

    # --- blobs

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        return self._folder.write(chunks)

    def open_blob(self, digest: str) -> BinaryIO:
        return self._folder.open(digest)

    def local_path(self, digest: str) -> Path:
        """See `SupportsLocalPath`."""
        return self._folder.local_path(digest)

    def has_blob(self, digest: str) -> bool:
        return self._folder.renew(digest)

    def find_blobs(self, older_than: datetime) -> Iterator[BlobInfo]:
        return self._folder.find(older_than)

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        return self._folder.delete(digest, older_than)

    def sweep(self, older_than: datetime) -> int:
        return self._folder.sweep(older_than)

    @property
    def _folder(self) -> BlobFolder:
        if self._closed:
            raise StorageError(f"the storage in {self._path} is closed; open it again")
        return self._blobs

    # --- records

    def get_record(self, key: str) -> Record | None:
        return self._records.get(key)

    def get_records(self, keys: Collection[str]) -> Mapping[str, Record]:
        return self._records.get_many(keys)

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        return self._records.find(prefix, where or {}, after, limit, fields)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        return self._records.commit(changes)

    # --- key and life

    def signing_secret(self) -> bytes:
        """See `SupportsKey`: a file that only its owner can read."""
        path = self._path / "signing.key"
        with translated(f"read {path}"):
            if not path.exists():
                _make_secret(path)
            secret = path.read_bytes()
        if len(secret) != _SECRET_BYTES:
            raise CorruptRecordError(f"{path} does not hold {_SECRET_BYTES} bytes; restore it from a copy")
        return secret

    def close(self) -> None:
        self._closed = True
        self._database.close()


def _refuse_lost_records(path: Path) -> None:
    """Refuse a storage that has blobs but no records: a new, empty one in its place would hide what was lost.

    The blobs are looked at first: whoever makes a new storage makes its records before its first blob.
    """
    records = path / "records.sqlite"
    has_blobs = any((path / "blobs").glob("*/*"))
    if has_blobs and not (records.exists() and records.stat().st_size):
        state = "is empty" if records.exists() else "is missing"
        raise StorageUnavailableError(f"{records} {state}, but there are blobs beside it; restore it from a backup")


def _make_secret(path: Path) -> None:
    """Write a new secret, unless another process is first: a link never replaces what is there."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(handle)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    sync_path(path.parent)

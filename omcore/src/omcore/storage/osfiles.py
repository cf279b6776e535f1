"""What the embedded storage asks of the file system: durable files and folders, and errors in our own words."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from errno import EDQUOT, EFBIG, ENOSPC
from typing import TYPE_CHECKING

from omcore.errors import StorageError, StorageFullError, StorageUnavailableError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_EPOCH = datetime.fromtimestamp(0, UTC)

_FULL = frozenset({ENOSPC, EDQUOT, EFBIG})

_NETWORK = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs"}
)
_NETWORK_PREFIXES = ("fuse.sshfs", "fuse.gluster", "fuse.ceph", "fuse.s3", "fuse.rclone", "fuse.gcsfuse")


@contextmanager
def translated(doing: str, kind: type[StorageError] = StorageError) -> Iterator[None]:
    """Turn an error of the operating system into one of ours; `doing` ends the sentence "could not ..."."""
    try:
        yield
    except OSError as error:
        raise (StorageFullError if error.errno in _FULL else kind)(
            f"could not {doing}: {error.strerror or error}"
        ) from error


def sync_file(handle: int) -> None:
    """Wait until the content of an open file is on the disk itself; never retry a call that raised."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)


def sync_path(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk; Windows has no such call for folders."""
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        sync_file(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each one's name durable; one that exists is left alone."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_path(path.parent)


def renew(path: Path) -> None:
    """Let a file be young; raises `FileNotFoundError` as it is."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def older(path: Path, than: datetime) -> os.stat_result | None:
    """The file's status if it was last written before a time; `None` if it was not, or is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found if found.st_mtime_ns // 1000 < (than - _EPOCH) // timedelta(microseconds=1) else None


def clear(paths: Iterable[Path], older_than: datetime) -> int:
    """Delete those of the files that were last written before a time; return their bytes."""
    cleared = 0
    for path in paths:
        if found := older(path, older_than):
            path.unlink(missing_ok=True)
            cleared += found.st_size
    return cleared


def write_all(file: io.FileIO, data: bytes | bytearray | memoryview) -> None:
    """Write to an unbuffered file until all is written."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[file.write(rest) :]


def refuse_network_mount(path: Path, mounts: Iterable[tuple[str, str]]) -> None:
    """Accept a folder only if it lies on a disk of this machine: SQLite's locks do not work over a network.

    Args:
        path: an absolute path.
        mounts: mount point and file-system type of everything that is mounted, later ones over earlier ones.

    Raises:
        StorageUnavailableError: the path is on a network file system.
    """
    above = sorted((mount for mount in mounts if path.is_relative_to(mount[0])), key=lambda mount: len(mount[0]))
    kind = above[-1][1] if above else ""
    if kind in _NETWORK or kind.startswith(_NETWORK_PREFIXES):
        raise StorageUnavailableError(
            f"the embedded storage was asked to live in {path}, which is on a network file system ({kind}) where its "
            "locks are not safe; give a `path` on a local disk, or use a storage backend that has a server"
        )


def mounted() -> list[tuple[str, str]]:
    """Mount point and file-system type of everything that is mounted here."""
    import psutil

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]

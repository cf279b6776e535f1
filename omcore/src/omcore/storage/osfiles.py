"""What the embedded storage asks of the file system: durable files and folders, and errors in our own words."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from typing import TYPE_CHECKING

from omcore.errors import StorageError, StorageFullError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

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

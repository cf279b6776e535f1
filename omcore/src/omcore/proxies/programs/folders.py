"""Private temporary folders that go with their task; those of tasks that were killed go with a later one."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "om-program-"
LOCK = "lock"

YOUNG = 60.0
"""Seconds in which a folder is left alone although nobody has locked it: its owner may be about to."""


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that only this user can enter, removed when the block ends.

    A lock in it tells that its owner lives; the system lets go of the lock however the owner ends.
    """
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        with FileLock(folder / LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(older_than: float = YOUNG) -> None:
    """Remove the folders of this user whose owners were killed.

    Args:
        older_than: only those that nobody has written to for so many seconds.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime >= older_than:
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):  # of another user, or gone meanwhile; or its owner lives
            continue

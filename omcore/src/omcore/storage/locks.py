"""A lock between processes on this machine, held by many readers or one writer, and let go when a process dies."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":

    @contextmanager
    def held(path: Path, *, shared: bool) -> Iterator[None]:  # noqa: ARG001 -- this platform has no shared lock
        """Hold the lock that the file at `path` stands for."""
        from filelock import FileLock

        with FileLock(path):
            yield

else:
    import fcntl

    @contextmanager
    def held(path: Path, *, shared: bool) -> Iterator[None]:
        """Hold the lock that the file at `path` stands for.

        Every call opens the file anew, so that threads exclude each other as processes do. Waiting costs nothing: the
        kernel keeps the queue. What is done under the lock must be short.
        """
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            # Said aloud, because a child forked meanwhile by another thread has a copy of the handle.
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)

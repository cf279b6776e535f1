"""The folder in which the groups and clients of a context find each other."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from omcore.errors import ConfigurationError
from omcore.sentences import reason
from omcore.storage.locks import held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omcore.runtimes.backend import WorkerEntry

LONGEST_ADDRESS = 100
"""Bytes of the path of a socket; systems take from 104 on."""

LONGEST_NAME = "1234567-12.sock"
"""A name of a socket as long as any."""

KEY_BYTES = 32


class Meeting:
    """The folder of one context. It holds a key, and for each living group a socket and a file that it keeps locked."""

    def __init__(self, home: Path) -> None:
        """Say where it is; makes nothing.

        Args:
            home: the folder of the context. Where its path is too long for a socket, the folder is one among
                the system's temporary files that is named by the user and a hash of it.
        """
        self.folder = _folder(home)

    # --- for clients

    def stamp(self) -> int | None:
        """A number that changes when a group comes or goes; `None` where there never was one."""
        try:
            return self.folder.stat().st_mtime_ns
        except OSError:
            return None

    def names(self) -> Sequence[str]:
        """The names of the groups that may be alive."""
        return sorted(path.stem for path in self.folder.glob("*.sock"))

    def address(self, name: str) -> Path:
        """The socket of a group."""
        return self.folder / f"{name}.sock"

    def key(self) -> bytes:
        """The key by which groups and clients know each other.

        Raises:
            ConfigurationError: it cannot be read, or others may read it, or enter the folder.
        """
        try:
            _check_private(self.folder)
            _check_private(self.folder / "key")
            return (self.folder / "key").read_bytes()
        except OSError as error:
            raise ConfigurationError(f"the key in {self.folder} cannot be read: {reason(error)}") from error

    def gone(self, name: str) -> bool:
        """Whether a group and all its workers have ended: each of them keeps a file locked while it lives."""
        try:
            handle = os.open(self._life(name), os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            return _locked(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)

    # --- for groups

    def claim(self) -> Berth:
        """A place for a new group; what groups left that were killed is removed.

        Raises:
            ConfigurationError: there can be none here; the sentence says why.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _check_private(self.folder)
            with held(self.folder / "lock", shared=False):
                self._sweep()
                self._make_key()
                return self._free_berth()
        except OSError as error:
            message = f"no group of workers can wait for clients in {self.folder}: {reason(error)}"
            raise ConfigurationError(message) from error

    def _sweep(self) -> None:
        for life in self.folder.glob("*.life"):
            if self.gone(life.stem):
                for path in (self.address(life.stem), self.folder / f"{life.stem}.new", life):
                    path.unlink(missing_ok=True)

    def _make_key(self) -> None:
        path = self.folder / "key"
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(handle, secrets.token_bytes(KEY_BYTES))
            finally:
                os.close(handle)

    def _free_berth(self) -> Berth:
        for name in _own_names():
            handle = os.open(self._life(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _locked(handle, fcntl.LOCK_EX):
                return Berth(self, name, handle)
            os.close(handle)  # a process of that number in another container
        raise AssertionError("there is always another name")

    def _life(self, name: str) -> Path:
        return self.folder / f"{name}.life"


class Berth:
    """The place of one group.

    Attributes:
        name: what the group is called.
        tether: the locked file; whoever has it open keeps `gone` from being true.
    """

    def __init__(self, meeting: Meeting, name: str, tether: int) -> None:
        self.name = name
        self.tether = tether
        self._meeting = meeting

    @property
    def draft(self) -> Path:
        """Where the socket is made."""
        return self._meeting.folder / f"{self.name}.new"

    @property
    def address(self) -> Path:
        """Where clients look for it."""
        return self._meeting.address(self.name)

    def publish(self) -> None:
        """Let clients find the socket, which takes them from now on."""
        self.draft.rename(self.address)

    def leave(self) -> None:
        """Remove every trace; the group and its workers have ended."""
        self.address.unlink(missing_ok=True)
        self._meeting._life(self.name).unlink(missing_ok=True)
        os.close(self.tether)


def identity_of(entry: WorkerEntry) -> str:
    """What must be the same for a client and a group, so that its workers may run the client's tasks."""
    names = [f"{function.__module__}:{function.__qualname__}" for function in (entry.execute, entry.prepare)]
    content = entry.identity.encode() or entry.contexts
    return hashlib.sha256("\n".join(names).encode() + b"\0" + content).hexdigest()


def _folder(home: Path) -> Path:
    near = Path(os.path.realpath(home)) / "workers"
    if len(os.fsencode(near / LONGEST_NAME)) <= LONGEST_ADDRESS:
        return near
    digest = hashlib.sha256(os.fsencode(near)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"omcore-{os.geteuid()}-{digest}"


def _own_names() -> Iterator[str]:
    yield str(os.getpid())
    yield from (f"{os.getpid()}-{number}" for number in count(2))


def _locked(handle: int, how: int) -> bool:
    """Whether a lock could be taken at once."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_private(path: Path) -> None:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        message = (
            f"{path} must belong to the user who runs this, and to nobody else, because whoever reaches it can hand "
            f"tasks to workers; check what it is, and remove it or take others' rights away (chmod go= {path})"
        )
        raise ConfigurationError(message)

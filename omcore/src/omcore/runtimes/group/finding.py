"""The groups that a client uses: found when they come, forgotten when they go."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from omcore.errors import ConfigurationError
from omcore.runtimes.group.client import GroupClient
from omcore.runtimes.group.wire import NobodyThereError, WireError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.group.meeting import Meeting

logger = logging.getLogger(__name__)

SETTLED = 100_000_000
"""Nanoseconds after which a folder that is changed again surely has another time."""


class Groups:
    """Connections to every living group that takes this client. Looking whether there are others costs microseconds."""

    def __init__(self, meeting: Meeting, identity: str) -> None:
        self._meeting = meeting
        self._identity = identity
        self._lock = threading.RLock()
        self._clients: dict[str, GroupClient] = {}
        self._refusals: dict[str, str] = {}
        self._seen: int | None = None
        self._closed = False

    def living(self) -> Sequence[GroupClient]:
        """The groups there are now."""
        stamp = self._meeting.stamp()
        if stamp is None and not self._clients:
            return []
        if stamp != self._seen or not all(client.alive for client in self._clients.values()):
            self._look(stamp)
        return [client for client in self._clients.values() if client.alive]

    def best(self, require: frozenset[str], *, anyway: bool = False) -> GroupClient | None:
        """The group with the least to do for this client, among those whose workers offer these labels.

        Args:
            require: the labels.
            anyway: take any group when none offers them.
        """
        living = [client for client in self.living() if client.takes]
        fitting = [client for client in living if client.fitting(require)]
        if not fitting and anyway:
            return min(living, key=lambda client: client.load, default=None)
        return min(fitting, key=lambda client: client.load / client.fitting(require), default=None)

    @property
    def refusals(self) -> Sequence[str]:
        """Why groups that are there are not used."""
        return list(self._refusals.values())

    def close(self) -> None:
        """Leave them all; what was handed to them goes on."""
        with self._lock:
            self._closed = True
            for client in self._clients.values():
                client.close()

    def _look(self, stamp: int | None) -> None:
        with self._lock:
            if self._closed:
                return
            now = time.time_ns()
            names = [] if stamp is None else self._meeting.names()
            known = {name: client for name, client in self._clients.items() if client.alive}
            self._refusals = {name: why for name, why in self._refusals.items() if name in names}
            for name in names:
                if name not in known and name not in self._refusals:
                    self._connect(name, known)
            self._clients = known
            self._seen = stamp if stamp is not None and now - stamp > SETTLED else None

    def _connect(self, name: str, known: dict[str, GroupClient]) -> None:
        try:
            known[name] = GroupClient(self._meeting, name, self._identity)
        except NobodyThereError:
            pass  # it was killed, and left its name behind
        except (WireError, ConfigurationError) as error:
            self._refusals[name] = str(error)
            logger.warning("the group of workers %s is not used: %s", name, error)

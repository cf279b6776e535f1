"""A connection between a client and a group: who is who, whole messages, and an end that wakes whoever waits."""

from __future__ import annotations

import os
import select
import socket
import struct
from contextlib import suppress
from multiprocessing import ProcessError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from threading import Lock
from typing import TYPE_CHECKING

from omcore.runtimes.group.messages import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[Connection, bytes], None]

PATIENCE = 10.0
"""Seconds that the rest of a message, or an answer, may take."""


class WireError(Exception):
    """The other side is gone, hangs, or is not who it should be; the text says which."""


class NobodyThereError(WireError):
    """Nobody takes connections there: the other side has ended, or is about to."""


class Wire:
    """One end of a connection. One thread receives; any thread may send or hang up."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._incoming = select.poll()
        self._incoming.register(connection.fileno(), select.POLLIN)
        self._sending = Lock()
        self._closing = Lock()
        self._open = True
        with self._socket() as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(PATIENCE), 0))

    def meet(self, key: bytes, *, first: bool) -> None:
        """Prove to each other that both know the key; one side is the first to ask.

        Raises:
            WireError: the other side does not know it, or says nothing.
        """
        steps: list[Step] = [deliver_challenge, answer_challenge]
        try:
            for step in steps if first else reversed(steps):
                step(self._connection, key)
        except (EOFError, OSError, ProcessError, ValueError, AssertionError) as error:
            raise WireError("the other side did not prove that it knows the key") from error

    def send(self, data: bytes) -> None:
        """Send a message, whole.

        Raises:
            WireError: the other side is gone.
        """
        try:
            with self._sending:
                self._connection.send_bytes(data)
        except OSError as error:
            raise WireError("the other side is gone") from error

    def receive(self, *, patient: bool = True) -> bytes:
        """The next message.

        Args:
            patient: wait for its beginning for as long as it takes.

        Raises:
            WireError: there is none: the other side is gone, or began a message and did not end it, or it is too long.
        """
        try:
            if not self._incoming.poll(None if patient else PATIENCE * 1000):
                raise WireError("the other side says nothing")
            return self._connection.recv_bytes(LARGEST)
        except (EOFError, OSError, MemoryError) as error:
            raise WireError("the other side is gone, or sent what is no message") from error

    def hang_up(self) -> None:
        """End the connection; whoever waits for the other side is woken."""
        with self._closing, suppress(OSError):
            if self._open:
                with self._socket() as same:
                    same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of it; nobody uses it any more."""
        with self._closing:
            if self._open:
                self._open = False
                self._connection.close()

    def _socket(self) -> socket.socket:
        """Another name for the same connection."""
        same = socket.socket(fileno=os.dup(self._connection.fileno()))
        same.setblocking(True)
        return same

"""A line to a server that can be made bad: the next message with some bytes in it is lost, cut or held up.

    with Line(server.port) as line:
        storage = open_at(line.port)
        line.spoil(LOSE_REPLY, b"updateOne")

Everything goes through unchanged until `spoil` is called, and after the one message that it was called for.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 1 << 20

LOSE_REQUEST, CUT_REQUEST, LOSE_REPLY, CUT_REPLY = "lose request", "cut request", "lose reply", "cut reply"
HOLD_REQUEST, HOLD_REPLY = "hold request", "hold reply"

FAULTS = (LOSE_REQUEST, CUT_REQUEST, LOSE_REPLY, CUT_REPLY, HOLD_REQUEST, HOLD_REPLY)
"""What can happen to a message: the connection is reset in place of it, in the middle of it; or it comes later."""


@dataclass(slots=True)
class _Call:
    """One connection from a client, and the one to the server that belongs to it."""

    client: socket.socket
    server: socket.socket
    reply: str = ""


class Line:
    """Listens on a port of its own, and passes on what comes in."""

    def __init__(self, port: int, delay: float = 0.05) -> None:
        """Lead to a server on this machine.

        Args:
            port: the server's.
            delay: the seconds for which a message is held.
        """
        self._target = port
        self._delay = delay
        self._lock = threading.Lock()
        self._fault: tuple[str, bytes] | None = None
        self._spoiled = 0
        self._ended = threading.Event()
        self._calls: list[_Call] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._listen)

    def spoil(self, fault: str, marker: bytes) -> None:
        """Let one of `FAULTS` happen to the next message to the server that has these bytes in it, or to its reply."""
        with self._lock:
            self._fault = (fault, marker)

    @property
    def spoiled(self) -> int:
        """How many messages met a fault."""
        return self._spoiled

    def close(self) -> None:
        """End all connections."""
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for call in [*self._calls]:
            _reset(call)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, act: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=act, args=arguments, name="om-line", daemon=True).start()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            call = _Call(client, server)
            self._calls.append(call)
            self._start(self._pass_requests, call)
            self._start(self._pass_replies, call)

    def _pass_requests(self, call: _Call) -> None:
        with suppress(OSError):
            while data := call.client.recv(_PIECE):
                fault = self._fault_of(data)
                if fault == CUT_REQUEST:
                    call.server.sendall(data[: len(data) // 2])
                if fault in (LOSE_REQUEST, CUT_REQUEST):
                    break
                if fault == HOLD_REQUEST:
                    self._ended.wait(self._delay)
                call.reply = fault
                call.server.sendall(data)
        _reset(call)

    def _pass_replies(self, call: _Call) -> None:
        with suppress(OSError):
            while data := call.server.recv(_PIECE):
                if call.reply == CUT_REPLY:
                    call.client.sendall(data[: len(data) // 2])
                if call.reply in (LOSE_REPLY, CUT_REPLY):
                    break
                if call.reply == HOLD_REPLY:
                    self._ended.wait(self._delay)
                call.client.sendall(data)
        _reset(call)

    def _fault_of(self, data: bytes) -> str:
        with self._lock:
            if self._fault is None or self._fault[1] not in data:
                return ""
            fault, self._fault = self._fault[0], None
            self._spoiled += 1
            return fault


def _reset(call: _Call) -> None:
    """End a connection as a lost one ends: both sides are told nothing but that."""
    for end in (call.client, call.server):
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()

"""What a client knows of a delivery that it handed to a group."""

from __future__ import annotations

import os
from threading import TIMEOUT_MAX, Event
from typing import TYPE_CHECKING

from omcore.errors import TaskError
from omcore.runtimes.backend import EngineState
from omcore.runtimes.jobs import given, state_of

if TYPE_CHECKING:
    from omcore.runtimes.group.client import GroupClient


class GroupHandle:
    """One delivery; its `EngineHandle`. It belongs to the process that submitted it.

    When the client is closed, the delivery goes on and the handle learns nothing more: it stays as it was, and waiting
    for it ends at once.
    """

    def __init__(self, task_id: str, number: int, client: GroupClient) -> None:
        self.id = task_id
        self.number = number
        self._client = client
        self._result: bytes | TaskError | None = None
        self._last = EngineState.QUEUED
        self._settled = Event()
        self._pid = os.getpid()

    @property
    def state(self) -> EngineState:
        """Where the delivery is now; asked of the group while it has not ended."""
        if self._result is None and not self._left and self._client.runs(self.number):
            self._last = EngineState.RUNNING
        return self._last if self._result is None else state_of(self._result)

    def wait(self, timeout: float | None) -> bool:
        """Wait until the state is final, at most `timeout` seconds (`None`: for ever); say whether it is."""
        if self._result is None and not self._left:
            self._settled.wait(None if timeout is None else min(timeout, TIMEOUT_MAX))
        return self._result is not None

    def outcome(self) -> bytes:
        """The outcome, once the state is final.

        Raises:
            TaskError: there is none; its class says why.
        """
        if self._result is None and self._left:
            message = f"task {self.id} goes on in a group of workers, and the client that would be told has left it"
            raise TaskError(message, self.id)
        return given(self._result, self.id)

    @property
    def _left(self) -> bool:
        return self._client.closed or os.getpid() != self._pid

    # --- for the client

    def end(self, result: bytes | TaskError) -> None:
        """It has ended."""
        if self._result is None:
            self._result = result
            self._settled.set()

    def abandon(self) -> None:
        """Nothing more will be learnt about it."""
        self._settled.set()

    def __repr__(self) -> str:
        return f"<delivery {self.id} {self._last if self._result is None else state_of(self._result)}>"

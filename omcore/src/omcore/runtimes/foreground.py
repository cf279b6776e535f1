"""Serves with workers in the foreground until the process is told to stop."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from omcore.errors import TaskError
from omcore.masking import mask_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from omcore.runtimes.backend import Served

LOOK = 1.0
"""Seconds between two looks at whether the workers are still there."""

PAUSE = 0.05
"""Seconds between two looks at whether the last task has ended."""


def run(start: Callable[[], AbstractContextManager[Served]], grace: float, say: Callable[[str], object]) -> None:
    """Start workers and serve until SIGTERM, SIGINT or SIGHUP, in the main thread.

    The first signal stops it gracefully, the second one at once; a signal that the process ignores, as `nohup` has it,
    stops nothing. When this returns or raises, everything is gone.

    Args:
        start: starts the workers.
        grace: seconds that running tasks may take to end.
        say: told in one line what is served, and that it is being stopped.

    Raises:
        ConfigurationError: there can be no workers here.
        TaskError: the workers have ended by themselves.
    """
    with _signals() as signals, start() as group:
        say(_described(group))
        _serve(group, signals)
        group.drain()
        if group.busy:
            say(f"stopping: running tasks have {grace:g} seconds to end; the same signal again ends them at once")
        _wait(group, signals, time.monotonic() + grace)


def _described(group: Served) -> str:
    workers = group.workers()
    labels = sorted(frozenset[str]().union(*(worker.labels for worker in workers)))
    number = f"{len(workers)} workers" if len(workers) != 1 else "1 worker"
    return f"serving with {number}, labels: {', '.join(labels) or 'none'}, at {mask_addresses(str(group.address))}"


def _serve(group: Served, signals: _Signals) -> None:
    """Wait for the first signal."""
    while not signals.wait(LOOK):
        if not group.workers():
            message = "the workers have ended by themselves; look at what they printed, and start them again"
            raise TaskError(message)


def _wait(group: Served, signals: _Signals, until: float) -> None:
    """Let running tasks end, until the time is over or somebody insists."""
    while group.busy and (left := until - time.monotonic()) > 0 and not signals.wait(min(left, PAUSE)):
        pass


class _Signals:
    """Waits for the signals that mean stop."""

    def __init__(self) -> None:
        self._heard, self._rope = os.pipe()
        os.set_blocking(self._rope, False)

    def tell(self, *_: Any) -> None:
        """The handler of a signal; it may come at any moment, so it takes no lock."""
        os.write(self._rope, b"!")

    def wait(self, timeout: float | None) -> bool:
        """Wait for the next signal; say whether one came."""
        if not select.select([self._heard], [], [], timeout)[0]:
            return False
        os.read(self._heard, 1)
        return True

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._heard)
        os.close(self._rope)


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Take the signals that mean stop for as long as this lasts."""
    signals = _Signals()
    with ExitStack() as undo:
        undo.callback(signals.close)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                undo.callback(signal.signal, number, signal.signal(number, signals.tell))
        yield signals

"""A thread that does some things over and over, and others at intervals, whatever becomes of one of them."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread, current_thread
from typing import TYPE_CHECKING

from omcore.errors import OmError, TaskNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Act = Callable[[], object]

logger = logging.getLogger(__name__)


class Rounds:
    """One thread, which goes its rounds until it is told to end."""

    def __init__(
        self, name: str, pause: Callable[[], float], always: Sequence[Act], now_and_then: Mapping[float, Act]
    ) -> None:
        """Start nothing yet.

        Args:
            name: the thread's name.
            pause: asked before each round: seconds until then.
            always: what is done in every round.
            now_and_then: what is done after that where it is time for it, by the seconds between two times.
        """
        self._name = name
        self._pause = pause
        self._always = always
        self._now_and_then = now_and_then
        self._next: dict[float, float] = {}
        self._over = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun; called by one thread at a time."""
        if self._thread is None:
            now = time.monotonic()
            self._next = {interval: now + interval for interval in self._now_and_then}
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """The thread ends; when this returns, it has, unless it calls this itself."""
        self._over.set()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._pause()):
            for act in (*self._always, *self._due()):
                try:
                    act()
                except TaskNotFoundError:
                    continue
                except OmError as error:
                    logger.warning("looking after tasks was interrupted, and goes on: %s", error)
                except Exception:
                    logger.exception("looking after tasks was interrupted, and goes on")

    def _due(self) -> Sequence[Act]:
        now = time.monotonic()
        due = [interval for interval, moment in self._next.items() if moment <= now]
        self._next.update({interval: now + interval for interval in due})
        return [self._now_and_then[interval] for interval in due]

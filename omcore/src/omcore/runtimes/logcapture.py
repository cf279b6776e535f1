"""What code logs, into the log of its task: logging that somebody configured stays as it is, and gets company."""

from __future__ import annotations

import logging
from enum import IntEnum
from typing import TYPE_CHECKING

from omcore.runtimes.streams import CapturingStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""How what code logs stands in the log of its task."""


class _Level(IntEnum):
    """A level that is told from the same one set by anybody else by its identity."""

    OURS = logging.INFO


class LogCapture:
    """Keeps what is logged.

    Where the root logger has handlers, one more keeps what reaches them. Where it has none, the handler of last
    resort is replaced instead: were there one on the root logger, `logging.basicConfig` in the captured code would do
    nothing.
    """

    def __init__(self, keep: Callable[[str], bool], muted: Callable[[], AbstractContextManager[None]]) -> None:
        """Make the handlers.

        Args:
            keep: keeps a text where it belongs to a task; says whether it also goes where it would have gone.
            muted: makes `keep` keep nothing of this thread.
        """
        self._beside = _Beside(keep)
        self._last = _LastResort(keep, muted)

    def begin(self) -> None:
        """Put in place what is not."""
        root = logging.getLogger()
        if any(handler is not self._beside for handler in root.handlers):
            root.addHandler(self._beside)
        elif logging.lastResort is not self._last:
            self._last.replaced = logging.lastResort
            logging.lastResort = self._last
        if not root.handlers and root.level == logging.WARNING:
            root.setLevel(_Level.OURS)

    def end(self, *, keep_level: bool) -> None:
        """Take everything away.

        Args:
            keep_level: leave the level of the root logger, since to change it takes a while where there are many
                loggers; nothing more is printed by it alone.
        """
        root = logging.getLogger()
        root.removeHandler(self._beside)
        if logging.lastResort is self._last:
            logging.lastResort = self._last.replaced
        if root.level is _Level.OURS and not keep_level:
            root.setLevel(logging.WARNING)


class _Beside(logging.Handler):
    """Stands beside the handlers of the root logger; keeps what none of them prints to a stream that is captured."""

    def __init__(self, keep: Callable[[str], bool]) -> None:
        super().__init__()
        self._keep = keep
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not any(map(_prints_to_a_task, _handlers_of(record))):
                self._keep(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as every handler does: it says so on the error stream
            self.handleError(record)


class _LastResort(logging.Handler):
    """Keeps what nobody else handles; what goes on goes to the handler that it replaced."""

    def __init__(self, keep: Callable[[str], bool], muted: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self._keep = keep
        self._muted = muted
        self.replaced: logging.Handler | None = None
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            goes_on = self._keep(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as every handler does: it says so on the error stream
            self.handleError(record)
            return
        if goes_on and self.replaced is not None and record.levelno >= self.replaced.level:
            with self._muted():
                self.replaced.handle(record)


def _handlers_of(record: logging.LogRecord) -> Iterator[logging.Handler]:
    """The handlers that a record is given to."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        yield from (handler for handler in logger.handlers if record.levelno >= handler.level)
        logger = logger.parent if logger.propagate else None


def _prints_to_a_task(handler: logging.Handler) -> bool:
    return isinstance(getattr(handler, "stream", None), CapturingStream)

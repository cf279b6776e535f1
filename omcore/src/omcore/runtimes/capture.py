"""What code prints, logs and warns of while it runs: into the log of its task.

Streams and handlers are the process's, captures belong to a thread. So they are put in place with the first capture,
find out for each text whose it is, and are taken away with the last.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING, Literal

from omcore.runtimes.logcapture import LogCapture
from omcore.runtimes.streams import CapturingStream
from omcore.runtimes.tasklog import TaskLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

__all__ = ["TaskLog", "capture"]


def capture(log: TaskLog, *, echo: bool) -> AbstractContextManager[None]:
    """Write to a log what this thread prints, logs and warns of, until the end of the block.

    So is the text of threads that run in a copy of this thread's context, and, while no other thread of the process
    captures, of those that were started in the block. Any other text goes where it went before, as does what code
    prints to a stream that it put in the place of `sys.stdout` itself, what it writes to a file descriptor, and what
    a child process writes.

    What code logs is kept from the level `INFO` upwards where nobody configured logging, save that of libraries which
    want silence then; else as that was configured. Without `echo`, a warning that was shown before is shown again.

    Args:
        log: takes the text.
        echo: whether the text also goes to where it would have gone without this.
    """
    return _Capture(_switch(), log, echo)


class _Capture:
    """One block that captures."""

    __slots__ = ("_before", "_switch", "_threads", "chain", "echo", "log", "open", "serial")

    def __init__(self, switch: _Switch, log: TaskLog, echo: bool) -> None:
        self._switch = switch
        self.log = log
        self.echo = echo
        self.open = False
        self.serial = -1
        self.chain: tuple[_Capture, ...] = (self,)

    def __enter__(self) -> None:
        self._threads = frozenset(threading.enumerate())
        self._before = _CHAIN.get()
        self.chain = (self, *self._switch.chain())
        self._switch.begin(self)
        _CHAIN.set(self.chain)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _CHAIN.set(self._before)
        self._switch.end(self)

    def adopts(self, thread: threading.Thread) -> bool:
        """Whether a thread was started in the block."""
        return thread not in self._threads


_CHAIN: ContextVar[tuple[_Capture, ...] | None] = ContextVar("omcore-captures", default=None)
"""The captures that run in a context, the innermost first; `None` in a thread that says nothing of them."""


@cache
def _switch() -> _Switch:
    return _Switch()


class _Switch:
    """The captures of this process, and what is in place while there are any."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._serials = count(1)
        self._open: tuple[_Capture, ...] = ()
        self._logging = LogCapture(partial(self.keep, 0), self.muted)
        self._streams: dict[str, CapturingStream] = {}
        os.register_at_fork(after_in_child=self._forget)

    # --- beginnings and ends

    def begin(self, capture: _Capture) -> None:
        """Put in place what is not."""
        with self._lock:
            self._put_stream("stdout")
            self._put_stream("stderr")
            self._logging.begin()
            capture.serial = next(self._serials)
            capture.open = True
            self._open = (*self._open, capture)
        if not capture.echo:  # says what holds anyway, and makes the interpreter forget which warnings it has shown
            warnings.simplefilter("default", append=True)

    def end(self, capture: _Capture) -> None:
        """Take away what nobody needs any more."""
        with self._lock:
            capture.open = False
            self._open = tuple(other for other in self._open if other is not capture)
            self._take_stream("stdout")
            self._take_stream("stderr")
            if not self._open:
                self._logging.end(keep_level=not capture.echo)

    def _put_stream(self, name: Literal["stdout", "stderr"]) -> None:
        there = getattr(sys, name)
        if isinstance(there, CapturingStream):
            return
        stream = self._streams.get(name)
        if stream is None or stream.original is not there:
            stream = CapturingStream(there, next(self._serials), self.keep, self.quiet)
            self._streams[name] = stream
        setattr(sys, name, stream)

    def _take_stream(self, name: Literal["stdout", "stderr"]) -> None:
        there = getattr(sys, name)
        if isinstance(there, CapturingStream) and all(capture.serial < there.serial for capture in self._open):
            setattr(sys, name, there.original)

    def _forget(self) -> None:
        """In a process that was forked off: what it prints goes where it would have gone without captures."""
        self._lock = threading.RLock()
        for capture in self._open:
            capture.open = False
        self._open = ()

    # --- whose is it?

    def chain(self) -> tuple[_Capture, ...]:
        """The captures that this thread's text belongs to, the innermost first."""
        chain = _CHAIN.get()
        if chain is not None:
            return chain
        found = self._open
        if not found or len(found) != len(found[-1].chain):  # none, or of several threads
            return ()
        thread = threading.current_thread()
        return next((capture.chain for capture in found[-1].chain if capture.adopts(thread)), ())

    def keep(self, serial: int, text: str) -> bool:
        """Keep a text in the logs that it belongs to; say whether it also goes on to where it would have gone.

        Args:
            serial: of the stream it was written to. A stream keeps nothing for captures that are older: code of
                theirs has replaced the stream before.
            text: what was written.
        """
        for capture in self.chain():
            if capture.open and capture.serial > serial:
                capture.log.write(text)
                if not capture.echo:
                    return False
        return True

    def quiet(self, serial: int) -> bool:
        """Whether what this thread writes ends in a log."""
        return any(capture.open and capture.serial > serial and not capture.echo for capture in self.chain())

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Keep nothing of what this thread writes meanwhile."""
        token = _CHAIN.set(())
        try:
            yield
        finally:
            _CHAIN.reset(token)

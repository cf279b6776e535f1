"""The client's side of one worker process of the local runtime."""

from __future__ import annotations

import fcntl
import math
import os
import select
import signal
import tempfile
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import psutil

from omcore.runtimes.jobs import LONGEST_LIMIT
from omcore.runtimes.serving import serve
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from typing import Self

GRACE = 2.0
"""Seconds an idle worker has to end by itself before it is killed."""

TAIL = 2000
"""How many bytes of what a worker printed last are kept for whoever asks why it ended."""

LARGEST_LOG = 1 << 20
"""When a worker printed more bytes than this, what it printed is forgotten after its task."""


class WorkerEndedError(Exception):
    """A worker process is gone; the text says how it went, to follow the words "its worker".

    Attributes:
        printed: the last that it printed.
    """

    def __init__(self, how: str, printed: str = "") -> None:
        super().__init__(how)
        self.printed = printed


class WorkerProcess:
    """A worker process that runs one envelope at a time, in a fresh interpreter that does not import `__main__`.

    One thread talks to it; any thread may call `kill`.
    """

    def __init__(self, threads: int, tether: int | None = None) -> None:
        """Start the process; it is not prepared yet.

        Args:
            threads: how many threads its numerical libraries may use.
            tether: an open file that the process keeps open for as long as it lives.
        """
        from loky.backend import get_context

        context = get_context("loky")
        self._output = _Output()
        theirs: Connection
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._incoming = select.poll()
        self._incoming.register(self._connection.fileno(), select.POLLIN)
        with ExitStack() as on_failure:
            on_failure.callback(self._output.close)
            on_failure.callback(self._connection.close)
            with theirs, self._output.writer() as output, ExitStack() as own:
                kept = None if tether is None else own.enter_context(Connection(os.dup(tether)))
                self._process = context.Process(target=serve, args=(theirs, output, threads, os.getpid(), kept))
                self._process.start()
            on_failure.pop_all()
        self._system = psutil.Process(self._process.pid)

    @classmethod
    def start(cls, threads: int, tether: int | None = None) -> Self:
        """Start a process; the arguments are those of the class.

        Raises:
            WorkerEndedError: it cannot be started here.
        """
        try:
            return cls(threads, tether)
        except Exception as error:
            raise WorkerEndedError(f"could not be started, {reason(error)}") from error

    def prepare(self, entry: bytes) -> None:
        """Hand over what the worker calls, and wait until it is ready.

        Args:
            entry: a `WorkerEntry` as `pickle` writes it.

        Raises:
            WorkerEndedError: it ended instead.
        """
        try:
            self._connection.send_bytes(entry)
            self._connection.recv_bytes()
        except (EOFError, OSError):
            raise self._ended() from None

    @property
    def ended(self) -> bool:
        """Whether it is gone, asked while it has nothing to do."""
        return self._answers(0)

    @property
    def incoming(self) -> int:
        """The descriptor that can be read when it has answered, or is gone."""
        return self._connection.fileno()

    def send(self, envelope: bytes) -> None:
        """Hand over an envelope; `answer` gives its outcome.

        Raises:
            WorkerEndedError: the process is gone.
        """
        try:
            self._connection.send_bytes(envelope)
        except OSError:
            raise self._ended() from None

    def try_to_send(self, envelope: bytes) -> bool:
        """Hand a small envelope to a process that waits for one; say whether that worked, and wait for nothing."""
        try:
            self._connection.send_bytes(envelope)
        except OSError:
            return False
        return True

    def answer(self, timeout: float | None) -> bytes | None:
        """Wait for the outcome of the envelope that was sent.

        Returns:
            The outcome; `None` when there is none after `timeout` seconds.

        Raises:
            WorkerEndedError: the process ended before it answered.
        """
        try:
            if timeout is not None and timeout < LONGEST_LIMIT and not self._answers(timeout):
                return None
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            raise self._ended() from None
        except Exception as error:
            raise WorkerEndedError(f"gave an outcome that cannot be taken, {reason(error)}") from error
        finally:
            self._output.bound()

    def kill(self) -> None:
        """End the process and every process it started, at once."""
        with suppress(psutil.NoSuchProcess):
            self._system.suspend()  # so that it starts nothing while its children are looked for
            for process in [*self._system.children(recursive=True), self._system]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def close(self) -> None:
        """End the process: one that waits for work by itself, any other by force."""
        self._connection.close()
        self._join()
        self._output.close()

    def _answers(self, timeout: float) -> bool:
        """Whether there is a message, or the end of all messages, within so many seconds."""
        return bool(self._incoming.poll(max(0, math.ceil(timeout * 1000))))

    def _join(self) -> None:
        self._process.join(GRACE)
        if self._process.is_alive():
            self.kill()
            self._process.join()

    def _ended(self) -> WorkerEndedError:
        self._join()
        printed = self._output.tail()
        return WorkerEndedError(_how(self._process.exitcode, printed), printed)


class _Output:
    """What a worker printed: a file without a name, so that nothing stays behind however the client ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed in close
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        fcntl.fcntl(self._file, fcntl.F_SETFL, flags | os.O_APPEND)

    def writer(self) -> Connection:
        """The file in a form that can be sent to a process that is being started."""
        return Connection(os.dup(self._file.fileno()), readable=False)

    def bound(self) -> None:
        """Forget everything when it is too much."""
        if self._size() > LARGEST_LOG:
            self._file.truncate(0)

    def tail(self) -> str:
        """The last that was printed."""
        start = max(0, self._size() - TAIL)
        return os.pread(self._file.fileno(), TAIL, start).decode(errors="replace")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size


def _how(code: int | None, printed: str) -> str:
    if code is None:
        return "ended for a reason that the system does not tell"
    if code < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"ended by {known.get(-code, f'signal {-code}')}"
    last = one_line(printed.strip().rpartition("\n")[2], limit=300)
    return f"ended with exit code {code}" + (f", and {last!r} was the last it printed" if last else "")

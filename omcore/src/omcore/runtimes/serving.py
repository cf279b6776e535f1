"""What runs inside a worker process of the local runtime: envelopes come in by a pipe, outcomes go out.

This module is the first that a worker imports, and imports nothing heavy itself: the limits on threads must be set
before a numerical library loads.
"""

from __future__ import annotations

import faulthandler
import io
import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from omcore.runtimes.backend import WorkerEntry

READY = b"ready"
"""The first message of a worker: it is prepared and takes envelopes."""

WATCH_INTERVAL = 0.5
"""Seconds between two looks at whether the client still lives."""

WATCH_PAUSE = 0.02
"""Seconds that a process which waits for an envelope has to end by itself."""

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""The variables by which numerical libraries are told how many threads to use."""


def serve(
    connection: Connection, output: Connection, threads: int, client: int, tether: Connection | None = None
) -> None:
    """Run one envelope after the other until the client closes its end of the pipe, or dies; then end the process.

    Args:
        connection: this worker's end of the pipe. The first message is the `WorkerEntry`.
        output: the file that takes what the worker and its libraries print.
        threads: how many threads a numerical library may use, unless the environment says so already.
        client: the client's process id.
        tether: an open file that tells others that this process lives: it is closed by its end alone.
    """
    _print_to(output)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the client's Ctrl-C is not meant for a warm worker
    for name in THREAD_LIMITS:
        os.environ.setdefault(name, str(threads))
    _keep_from_children(connection)
    if tether is not None:
        _keep_from_children(tether)
    threading.Thread(target=_end_with, args=(client, connection), name="om-watch-client", daemon=True).start()
    entry: WorkerEntry = connection.recv()
    entry.prepare(entry.contexts)
    connection.send_bytes(READY)
    while (envelope := _next(connection)) is not None:
        outcome = entry.execute(envelope)
        connection.send_bytes(outcome)
    os._exit(0)  # at once: there is nothing to clean up, and the client waits


def _next(connection: Connection) -> bytes | None:
    """The next envelope, or `None` when the client wants no more."""
    try:
        return connection.recv_bytes()
    except (EOFError, ConnectionError):
        return None


def _print_to(output: Connection) -> None:
    """Send standard output and error, also those of native code, to a file; read nothing from a terminal."""
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, output.fileno()), (2, output.fileno())):
        os.dup2(source, target)
    os.close(null)
    output.close()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    faulthandler.enable()


def _keep_from_children(connection: Connection) -> None:
    """Let no child of this process hold it: while one does, the client would not see this process die."""
    os.set_inheritable(connection.fileno(), False)
    os.register_at_fork(after_in_child=connection.close)


def _end_with(client: int, connection: Connection) -> None:
    """End this process and what it started, once the client is gone, however it went.

    The client's end of the pipe is closed first, if no fork of the client holds it too. Where this process waits for
    an envelope, it ends by itself then.
    """
    watch = select.poll()
    watch.register(connection.fileno(), 0)  # nothing but the end
    while os.getppid() == client and not watch.poll(WATCH_INTERVAL * 1000):
        pass
    time.sleep(WATCH_PAUSE)
    end_process(1)


def end_process(code: int) -> None:
    """End this process and every process it started, at once, with this exit code."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(code)

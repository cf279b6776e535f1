"""Small tasks with which the kit tries a runtime; what a runtime's workers call instead of `omcore.worker.execute`.

A worker that is started by hand for the kit calls `omcore.testing.workloads.execute`. This module imports nothing but
the standard library, so that any worker can load it.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_HOLD = 300.0
"""Seconds after which a held task ends by itself, so that no test leaves one behind for ever."""

PAUSE = 0.01
"""Seconds between two looks for a file."""

RELEASE_ALL = "all.go"
"""The file that ends every held task of a folder."""

REFUSED = b'"refused"'
"""The outcome of `die` in a process that it must spare."""

SURVIVED = b'"survived"'
"""The outcome of `die` when it is run again after it has died once."""


def envelope(work: str, **arguments: Any) -> bytes:
    """A task for `execute`.

    Args:
        work: the name of a function of this module that is listed in `WORKS`.
        arguments: its arguments, of JSON types.
    """
    return json.dumps({"work": work, **arguments}).encode()


def execute(envelope: bytes) -> bytes:
    """Run one task of the kit."""
    task = json.loads(envelope)
    work = WORKS.get(task.pop("work"))
    return envelope if work is None else work(**task)


def prepare(contexts: bytes) -> None:
    """Note the contexts; `prepared` tells whether it was called."""
    _site().append(contexts)


def hold(folder: str, name: str) -> bytes:
    """Say that it has started, and wait until it is told to go on."""
    place = Path(folder)
    with (place / f"{name}.started").open("a") as file:
        file.write(f"{os.getpid()}\n")
    until = time.monotonic() + LONGEST_HOLD
    while not ((place / f"{name}.go").exists() or (place / RELEASE_ALL).exists()) and time.monotonic() < until:
        time.sleep(PAUSE)
    (place / f"{name}.finished").touch()
    return whereabouts()


def mark(folder: str, name: str) -> bytes:
    """Add a line to a file that all tasks of a folder share."""
    with (Path(folder) / "marks").open("a") as file:
        file.write(f"{name}\n")
    return whereabouts()


def alone(folder: str) -> bytes:
    """Say whether no other such task ran at the same time, as `true` or `false`."""
    lock = Path(folder) / "lock"
    try:
        lock.open("x").close()
    except FileExistsError:
        return b"false"
    time.sleep(PAUSE)  # long enough for another to be seen
    lock.unlink()
    return b"true"


def die(folder: str, name: str, spare: int, code: int | None, *, always: bool) -> bytes:
    """End the process that runs this.

    Args:
        folder: where each start adds a line to a file.
        name: the name of that file.
        spare: a process that must not be ended, because it is the test's own.
        code: the exit code; `None` for a kill.
        always: whether to die also when it is run again.
    """
    if os.getpid() == spare:
        return REFUSED
    starts = Path(folder) / f"{name}.started"
    again = starts.exists()
    with starts.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if again and not always:
        return SURVIVED
    if code is not None:
        os._exit(code)
    os.kill(os.getpid(), signal.SIGKILL)
    return REFUSED


def produce(size: int) -> bytes:
    """A JSON string of so many characters."""
    return json.dumps("x" * size).encode()


def whereabouts() -> bytes:
    """The process and the thread that run this."""
    return json.dumps([os.getpid(), threading.get_ident()]).encode()


def prepared() -> bytes:
    """The digests of the contexts that this process was prepared with; of the contexts themselves nothing is told."""
    return json.dumps([hashlib.sha256(contexts).hexdigest() for contexts in _site()]).encode()


WORKS: dict[str, Callable[..., bytes]] = {
    work.__name__: work for work in (hold, mark, alone, die, produce, whereabouts, prepared)
}
"""The works there are; any other name is an echo."""


@cache
def _site() -> list[bytes]:
    """The contexts of this process."""
    return []

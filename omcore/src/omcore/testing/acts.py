"""What the tasks do with which the kit tries runtimes.

Any worker that has omcore can load this. It imports nothing but the standard library: a new worker is soon there.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.testing import workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCRIPT = "from omcore.testing.acts import perform\n\n\ndef run(om, order):\n    return perform(order)\n"
"""A script that does what it is told."""

TICK = 0.02
"""Seconds between two signs of life of `tick`."""


def perform(order: Mapping[str, Any]) -> Any:
    """Do what is ordered; an order is the name of one of `ACTS` under `do`, and its arguments."""
    arguments = dict(order)
    return ACTS[arguments.pop("do")](**arguments)


def note(folder: str, name: str) -> int:
    """Add this process to the list of those that ran it; give its id."""
    with (Path(folder) / f"{name}.started").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return os.getpid()


def hold(folder: str, name: str) -> int:
    """Say that it has started, and wait until it is told to go on."""
    workloads.hold(folder, name)
    return os.getpid()


def give(value: Any = None, size: int | None = None) -> Any:
    """Give a value, or a text of so many characters."""
    return value if size is None else "é" * size


def tick(folder: str, name: str, *, stubborn: bool = False) -> None:
    """Give a sign of life again and again for a long time; a stubborn one listens to nobody."""
    note(folder, name)
    until = time.monotonic() + workloads.LONGEST_HOLD
    while time.monotonic() < until and not (Path(folder) / workloads.RELEASE_ALL).exists():
        try:
            (Path(folder) / f"{name}.tick").write_text(str(time.time()))
            time.sleep(TICK)
        except BaseException:
            if not stubborn:
                raise


def fail(folder: str, name: str, times: int) -> int:
    """Fail so many times, and then give the number of attempts; each notes when it began."""
    note(folder, name)
    with (Path(folder) / f"{name}.times").open("a") as file:
        file.write(f"{time.time()}\n")
    attempts = len((Path(folder) / f"{name}.times").read_text().split())
    if attempts <= times:
        raise ConnectionError(f"attempt {attempts} failed")
    return attempts


def end(folder: str, name: str, how: str, spare: int) -> int:
    """End the process that runs this, unless it is the one to be spared: the test's own."""
    if note(folder, name) == spare:
        raise RuntimeError("the process of the test is spared")
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(3)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def say(text: str) -> None:
    """Say something in every way there is."""
    sys.stdout.write(f"printed {text}\n")
    sys.stderr.write(f"complained {text}\n")
    logging.getLogger("omcore.testing.acts").warning("logged %s", text)
    warnings.warn(f"warned of {text}", UserWarning, stacklevel=1)


def say_and_hold(text: str, folder: str, name: str) -> int:
    """Say something, then wait to be told to go on, then say something more."""
    say(text)
    hold(folder, name)
    sys.stdout.write(f"ended {text}\n")
    return os.getpid()


def err(kind: str) -> None:
    """Raise an error of a kind."""
    raise _ERRORS[kind]()


def eat(size: int) -> int:
    """Take so many bytes of memory."""
    return len(bytearray(os.urandom(1) * size))


def _not_fitted() -> Exception:
    from sklearn.exceptions import NotFittedError

    error: Exception = NotFittedError("this one is not fitted")
    return error


def _noted() -> Exception:
    error = ValueError("the value is wrong: é")
    error.add_note("it was like that when I came")
    return error


def _stubborn() -> Exception:
    class UnpicklableError(Exception):
        """Cannot be sent anywhere."""

        def __init__(self) -> None:
            super().__init__("cannot be pickled")
            self.why = lambda: self

        def __reduce__(self) -> Any:
            raise TypeError("no")

    return UnpicklableError()


_ERRORS: Mapping[str, Callable[[], BaseException]] = {
    "noted": _noted,
    "unpicklable": _stubborn,
    "not fitted": _not_fitted,
    "key": lambda: KeyError("a key"),
    "exit": lambda: SystemExit(3),
    "memory": lambda: MemoryError("no more of it"),
    "group": lambda: ExceptionGroup("two at once", [ValueError("one"), TypeError("two")]),
}

ACTS: Mapping[str, Callable[..., Any]] = {
    act.__name__: act for act in (note, hold, give, tick, fail, end, say, say_and_hold, err, eat)
}
"""What can be ordered."""

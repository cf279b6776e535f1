"""Runs one durable task in a process of its own that goes on when this one ends.

For runtimes whose work dies with the client: whoever submits may leave, and any process reads the outcome in the
task's record.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from omcore.errors import TaskError
from omcore.sentences import reason

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.runtimes.backend import Delivery, WorkerEntry


def start(entry: WorkerEntry, delivery: Delivery, folder: Path) -> Path:
    """Start the process and hand it the task through a pipe.

    Args:
        entry: what a worker calls; its contexts hold secrets, which is why they go through the pipe.
        delivery: the task.
        folder: where the process's output goes, in a file named by the task's id.

    Returns:
        That file.

    Raises:
        TaskError: the process cannot be started, or the file cannot be written.
    """
    names = [f"{function.__module__}:{function.__qualname__}" for function in (entry.prepare, entry.execute)]
    message = json.dumps([sys.path, *names, entry.contexts.decode(), delivery.envelope.decode("ascii")])
    output = folder / f"{delivery.id}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        process = _spawn(output)
        if process.stdin is not None:
            with process.stdin as pipe:
                pipe.write(message.encode())
    except OSError as error:
        text = f"task {delivery.id} cannot get a process of its own, which writes to {folder}: {reason(error)}"
        raise TaskError(text, delivery.id) from error
    threading.Thread(target=process.wait, name=f"om-detached-{delivery.id}", daemon=True).start()  # leaves no zombie
    return output


def _spawn(output: Path) -> subprocess.Popen[bytes]:
    """Start the process; its output is its owner's alone. `-P`: no file of the working directory is imported early."""
    with open(output, "wb", opener=partial(os.open, mode=0o600)) as log:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with a module of ours
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def main() -> None:
    """The new process: read what to do from the pipe, and do it, with the client's modules."""
    import pkgutil

    path, prepare, execute, contexts, envelope = json.loads(sys.stdin.buffer.read())
    sys.path[:] = path
    pkgutil.resolve_name(prepare)(contexts.encode())
    pkgutil.resolve_name(execute)(envelope.encode("ascii"))


if __name__ == "__main__":
    main()

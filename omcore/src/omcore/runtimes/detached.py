"""Runs one durable task in a process of its own that goes on when this one ends.

For runtimes whose work dies with the client: whoever submits may leave, and any process reads the outcome in the
task's record.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

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
    """
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / f"{delivery.id}.log"
    with output.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, with a module of ours
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    names = [f"{function.__module__}:{function.__qualname__}" for function in (entry.prepare, entry.execute)]
    message = json.dumps([*names, entry.contexts.decode(), delivery.envelope.decode("ascii")])
    if process.stdin is not None:
        with process.stdin as pipe:
            pipe.write(message.encode())
    threading.Thread(target=process.wait, name=f"om-detached-{delivery.id}", daemon=True).start()  # leaves no zombie
    return output


def main() -> None:
    """The new process: read what to do from the pipe, and do it."""
    import pkgutil

    prepare, execute, contexts, envelope = json.loads(sys.stdin.buffer.read())
    pkgutil.resolve_name(prepare)(contexts.encode())
    pkgutil.resolve_name(execute)(envelope.encode("ascii"))


if __name__ == "__main__":
    main()

"""Tasks from many threads, some cancelled, some fatal to their worker: every handle ends, and ends rightly."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.backend import EngineState

from .conftest import PATIENCE, send

if TYPE_CHECKING:
    from omcore.runtimes.backend import EngineHandle
    from omcore.runtimes.local import LocalRuntime

    from .conftest import StartLocal

FATAL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
THREADS = 4


def storm(runtime: LocalRuntime, thread: int, number: int) -> list[tuple[str, str, EngineHandle]]:
    """Submit tasks of three sorts, in an order that the number of the thread decides."""
    dice = random.Random(thread)
    sent = []
    for index in range(number):
        name = f"{thread}-{index}"
        sort = dice.choices(("whole", "cancelled", "fatal"), (20, 4, 1))[0]
        handle = send(runtime, FATAL if sort == "fatal" else f"result = {name!r}", task_id=name)
        if sort == "cancelled":
            threading.Timer(dice.random() / 10, runtime.cancel, [name]).start()
        sent.append((name, sort, handle))
    return sent


@pytest.mark.slow
def test_every_handle_of_a_storm_ends_rightly(start_local: StartLocal, scale: int) -> None:
    runtime = start_local({"workers": 3})
    with ThreadPoolExecutor(THREADS) as threads:
        sent = [
            task
            for batch in threads.map(lambda thread: storm(runtime, thread, 100 * scale), range(THREADS))
            for task in batch
        ]
    for name, sort, handle in sent:
        assert handle.wait(PATIENCE), f"task {name} has no end"
        if sort == "fatal":
            assert handle.state is EngineState.LOST
        elif sort == "whole" or handle.state is EngineState.DONE:
            assert handle.outcome() == name.encode()
        else:
            assert handle.state is EngineState.CANCELLED
    assert not any(worker.running for worker in runtime.workers())

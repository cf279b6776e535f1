"""What the bars of durable tasks share: contexts with workers of their own, and waiting for what must happen."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import omcore

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.storage.backend import Body

IMPORTABLE = Path(__file__).with_name("importable")
PATIENCE = 120.0
CONFIGURATION = """
[contexts.default]
storage = {{ backend = "embedded", durability = "process" }}
runtime = {{ backend = "local", workers = {workers}, shared = false }}
"""


@contextmanager
def opened(folder: Path, *, workers: int = 2, defect: str = "") -> Iterator[Omega]:
    """A context in a folder; a defect is the name of a function of `om_sabotage` that its workers call."""
    config = folder / "omcore.toml"
    if not config.exists():
        config.write_text(CONFIGURATION.format(workers=workers))
    sys.path.insert(0, str(IMPORTABLE))
    try:
        with omcore.setup(config=config) as om:
            if defect:
                broken = getattr(importlib.import_module("om_sabotage"), defect)
                om.context.functions = replace(om.context.functions, execute=broken)
            yield om
    finally:
        sys.path.remove(str(IMPORTABLE))


def put_script(om: Omega, folder: Path, name: str, source: str, **attributes: Any) -> None:
    """Store a script."""
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(source))
    om.scripts.put(path, name, attributes=attributes)


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def body_of(om: Omega, handle: Handle | str) -> Body:
    """What the record of a task says; asking this way ends nothing that is over."""
    return om.context.records.record(handle if isinstance(handle, str) else handle.id).body


def worker_of(body: Body) -> int:
    """The process that runs a task, or ran it."""
    return int(body["worker"].rpartition(":")[2])


def send(number: signal.Signals, process: int) -> None:
    """Send a signal to a process, unless it is gone."""
    with suppress(ProcessLookupError):
        os.kill(process, number)

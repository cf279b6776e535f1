"""Groups in processes of their own, for the tests that kill them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .conftest import IMPORTABLE, PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = f"""
import pathlib, sys
sys.path.insert(0, {str(IMPORTABLE)!r})
import om_probe
from omcore.runtimes.backend import WorkerEntry
from omcore.runtimes.foreground import run
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.storage.backend import Place

home, workers, grace, contexts, *labels = sys.argv[1:]
entry = WorkerEntry(om_probe.execute, om_probe.prepare, contexts.encode())
runtime = LocalRuntime(LocalOptions(workers=1), Place("here", pathlib.Path(home)), entry, {{}})
run(lambda: runtime.open_group(int(workers), labels), float(grace), lambda line: print(line, flush=True))
"""


def command(home: Path, *labels: str, workers: int = 1, grace: float = 30, contexts: str = "") -> list[str]:
    """A command that serves with programs for tasks; every warning is an error there."""
    return [sys.executable, "-W", "error", "-c", PROGRAM, str(home), str(workers), str(grace), contexts, *labels]


@contextmanager
def group(
    home: Path, *labels: str, workers: int = 1, grace: float = 30, contexts: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A group in a process of its own, which takes clients; it is ended in the end."""
    with subprocess.Popen(
        command(home, *labels, workers=workers, grace=grace, contexts=contexts), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "serving with" in process.stdout.readline()
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.terminate()
            assert process.wait(PATIENCE) is not None

"""Local runtimes whose workers run small programs."""

from __future__ import annotations

import importlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psutil
import pytest

from omcore.runtimes.backend import Delivery, WorkerEntry
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.storage.backend import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from omcore.runtimes.backend import EngineHandle

IMPORTABLE = Path(__file__).with_name("importable")
PATIENCE = 60.0


class StartLocal(Protocol):
    def __call__(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        prepare: str = "",
        labels: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> LocalRuntime: ...


@pytest.fixture
def start_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartLocal]:
    """Starts local runtimes, and closes them after the test."""
    monkeypatch.syspath_prepend(IMPORTABLE)
    probe = importlib.import_module("om_probe")
    started: list[LocalRuntime] = []

    def start(
        options: Mapping[str, Any] | None = None,
        *,
        prepare: str = "",
        labels: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> LocalRuntime:
        entry = WorkerEntry(probe.execute, probe.prepare, prepare.encode())
        chosen = LocalOptions.model_validate({"workers": 1} if options is None else options)
        runtime = LocalRuntime(chosen, Place("here", tmp_path), entry, labels or {})
        started.append(runtime)
        return runtime

    yield start
    for runtime in started:
        runtime.close()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files, here and in new processes: a short path, since sockets need one."""
    with tempfile.TemporaryDirectory(prefix="om-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def local(start_local: StartLocal) -> LocalRuntime:
    """A local runtime with one worker."""
    return start_local()


def send(runtime: LocalRuntime, program: str, *require: str, task_id: str = "t", **more: Any) -> EngineHandle:
    """Submit a program."""
    return runtime.submit(Delivery(task_id, program.encode(), frozenset(require), **more))


def result(handle: EngineHandle) -> str:
    """Wait for a program, and give its `result`."""
    assert handle.wait(PATIENCE)
    return handle.outcome().decode()


def run(runtime: LocalRuntime, program: str, *require: str) -> str:
    """Run a program to its end."""
    return result(send(runtime, program, *require))


def lives(process: psutil.Process) -> bool:
    """Whether a process runs, and is not one that has ended, all its threads too, and is yet to be reaped."""
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        return process.is_running() and not ended
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object]) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)

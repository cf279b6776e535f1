"""The worker processes of the local runtime: when they start, what they share with the client, how they end."""

from __future__ import annotations

import gc
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from omcore.errors import InvalidArgumentError, TaskLostError
from omcore.runtimes.backend import Delivery, EngineState, WorkerEntry
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.storage.backend import Place

from .conftest import PATIENCE, lives, result, run, send, until

if TYPE_CHECKING:
    from .conftest import StartLocal

PID = "import os; result = os.getpid()"


def wait_for_file(path: Path) -> str:
    return f"import pathlib, time\nwhile not pathlib.Path({str(path)!r}).exists(): time.sleep(0.01)\n"


def test_no_process_is_started_before_the_first_task(start_local: StartLocal) -> None:
    before = psutil.Process().children()
    runtime = start_local({"workers": 3})
    assert len(runtime.workers()) == 3
    assert runtime.serves(frozenset())
    assert psutil.Process().children() == before


def test_a_worker_is_kept_warm_and_a_second_one_starts_when_it_is_needed(
    start_local: StartLocal, tmp_path: Path
) -> None:
    runtime = start_local({"workers": 2})
    first = {run(runtime, PID) for _ in range(5)}
    assert len(first) == 1
    busy = send(runtime, wait_for_file(tmp_path / "go") + PID)
    second = run(runtime, PID)
    assert {second} != first
    (tmp_path / "go").touch()
    assert {result(busy)} == first


def test_a_task_runs_in_the_main_thread_with_the_path_and_folder_of_the_client(local: LocalRuntime) -> None:
    assert run(local, "import threading as t; result = t.current_thread() is t.main_thread()") == "True"
    assert run(local, "import os; result = os.getcwd()") == str(Path.cwd())
    assert run(local, "import om_probe; result = om_probe.__name__") == "om_probe"


def test_what_runs_is_said_to_run_and_what_waits_to_wait(local: LocalRuntime, tmp_path: Path) -> None:
    go, started = tmp_path / "go", tmp_path / "started"
    first = send(local, f"open({str(started)!r}, 'w').close()\n" + wait_for_file(go), task_id="first")
    second = send(local, PID, task_id="second")
    until(started.exists)
    assert (first.state, second.state) == (EngineState.RUNNING, EngineState.QUEUED)
    assert [worker.running for worker in local.workers()] == [("first",)]
    go.touch()
    assert result(second)
    assert (first.state, second.state) == (EngineState.DONE, EngineState.DONE)


def test_a_worker_that_died_while_it_had_nothing_to_do_costs_no_task(local: LocalRuntime) -> None:
    worker = psutil.Process(int(run(local, PID)))
    worker.kill()
    until(lambda: not lives(worker))
    assert run(local, PID) != str(worker.pid)


def test_a_worker_is_not_ended_by_an_interrupt_from_the_keyboard(local: LocalRuntime) -> None:
    worker = run(local, PID)
    os.kill(int(worker), signal.SIGINT)
    assert run(local, PID) == worker


def test_closing_ends_every_worker_and_what_it_runs(start_local: StartLocal, tmp_path: Path) -> None:
    others = set(threading.enumerate())
    runtime = start_local({"workers": 2})
    idle = psutil.Process(int(run(runtime, PID)))
    program = f"import os, pathlib; pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
    busy = send(runtime, program + wait_for_file(tmp_path / "never"), task_id="busy")
    until(lambda: list(tmp_path.iterdir()))
    worker = psutil.Process(int(next(tmp_path.iterdir()).name))
    runtime.close()
    assert not idle.is_running()
    assert not worker.is_running()
    with pytest.raises(TaskLostError, match="task busy was not finished when the local runtime was closed"):
        busy.outcome()
    left = set(threading.enumerate()) - others
    assert not [thread for thread in left if thread.name.startswith("om-worker")]


def test_closing_while_a_worker_starts_waits_for_nothing(start_local: StartLocal, tmp_path: Path) -> None:
    runtime = start_local(prepare=wait_for_file(tmp_path / "never"))
    handle = send(runtime, PID)
    assert not handle.wait(0)
    runtime.close()
    assert handle.state is EngineState.LOST


def test_a_task_is_cancelled_while_its_worker_starts(start_local: StartLocal, tmp_path: Path) -> None:
    runtime = start_local(prepare=wait_for_file(tmp_path / "go"))
    handle = send(runtime, f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    runtime.cancel("t")
    assert handle.state is EngineState.CANCELLED
    (tmp_path / "go").touch()
    assert run(runtime, "result = 'next'") == "next"
    assert not (tmp_path / "ran").exists()


def test_cancelling_ends_what_the_task_started(local: LocalRuntime, tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = (
        f"import subprocess, pathlib, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid) + '.')\n"
        f"child.wait()"
    )
    send(local, program)
    until(lambda: child.exists() and child.read_text().endswith("."))
    process = psutil.Process(int(child.read_text()[:-1]))
    local.cancel("t")
    process.wait(PATIENCE)


def test_a_runtime_that_is_forgotten_ends_its_workers(start_local: StartLocal, tmp_path: Path) -> None:
    probe = start_local()._worker
    runtime = LocalRuntime(LocalOptions(workers=1), Place("here", tmp_path), probe, {})
    worker = psutil.Process(int(run(runtime, PID)))
    del runtime
    gc.collect()
    worker.wait(PATIENCE)


def test_many_runtimes_at_once_do_not_meet(start_local: StartLocal) -> None:
    runtimes = [start_local() for _ in range(3)]
    assert len({run(runtime, PID) for runtime in runtimes}) == 3
    runtimes[0].close()
    assert run(runtimes[1], PID)


def test_a_function_that_no_worker_can_import_is_refused_at_once(tmp_path: Path) -> None:
    entry = WorkerEntry(lambda envelope: envelope, print, b"")
    runtime = LocalRuntime(LocalOptions(workers=1), Place("here", tmp_path), entry, {})
    with pytest.raises(InvalidArgumentError, match="import by name"):
        runtime.submit(Delivery("t", b""))

"""Programs that use the local runtime: how they run, and what becomes of its workers however they end."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from .conftest import IMPORTABLE, PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREAMBLE = f"""
import os, pathlib, sys, time
sys.path.insert(0, {str(IMPORTABLE)!r})
import om_probe
from omcore.runtimes.backend import Delivery, EngineState, WorkerEntry
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.storage.backend import Place

entry = WorkerEntry(om_probe.execute, om_probe.prepare, b"")
runtime = LocalRuntime(LocalOptions(workers=2), Place("here", pathlib.Path("unused")), entry, {{}})

def send(program):
    return runtime.submit(Delivery("t", program.encode()))

def run(program):
    handle = send(program)
    handle.wait(None)
    return handle.outcome().decode()

PID = "import os; result = os.getpid()"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a program and its tasks leave word; whatever of them is alive after the test is ended."""
    yield tmp_path
    for path in tmp_path.glob("*.pid"):
        if psutil.pid_exists(int(path.stem)):
            psutil.Process(int(path.stem)).kill()


def script(folder: Path, body: str) -> list[str]:
    """A command that runs a program; every warning is an error there."""
    path = folder / "script.py"
    path.write_text(PREAMBLE + body)
    return [sys.executable, "-W", "error", str(path)]


def finished(folder: Path, body: str) -> str:
    """Run a program to its end, which must be a quiet one; what it printed."""
    done = subprocess.run(script(folder, body), capture_output=True, text=True, cwd=folder, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def stay(folder: Path, *, child: bool = False) -> str:
    """A task that leaves the ids of its processes, and never ends."""
    start = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    tell = f"pathlib.Path({str(folder)!r}, f'{{pid}}.pid').touch()"
    return (
        "import os, pathlib, time\npids = [os.getpid()]\n"
        + (f"{start}\npids.append(child.pid)\n" if child else "")
        + f"for pid in pids: {tell}\ntime.sleep(600)"
    )


def told(folder: Path, number: int) -> list[psutil.Process]:
    """The processes that left their ids, once there are so many."""
    until(lambda: len(list(folder.glob("*.pid"))) == number)
    return [psutil.Process(int(path.stem)) for path in folder.glob("*.pid")]


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them end."""
    return not psutil.wait_procs(processes, timeout=PATIENCE)[1]


def test_a_script_needs_no_main_guard(folder: Path) -> None:
    assert finished(folder, "print('once')\nprint(run('result = 6 * 7'))") == "once\n42\n"


def test_what_a_task_prints_does_not_reach_the_terminal(folder: Path) -> None:
    program = "import os, sys; print('out'); print('err', file=sys.stderr); os.system('echo native; echo native >&2')"
    assert finished(folder, f"run({program!r})\nprint('mine')") == "mine\n"


def test_a_task_does_not_read_from_the_terminal(folder: Path) -> None:
    program = "import os, sys; result = sys.stdin.read() + os.popen('cat').read()"
    done = subprocess.run(
        script(folder, f"print(repr(run({program!r})), sys.stdin.read())"),
        input="for the client",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "'' for the client\n"


@pytest.mark.parametrize("ending", ["", "runtime.close()", "sys.exit()", "del runtime"], ids=str)
def test_a_program_ends_quietly_whether_it_closes_the_runtime_or_not(folder: Path, ending: str) -> None:
    output = finished(folder, f"print(run(PID))\nsend({stay(folder)!r})\n{ending}")
    assert not psutil.pid_exists(int(output))
    until(lambda: not any(psutil.pid_exists(int(path.stem)) for path in folder.glob("*.pid")))


def test_a_program_may_end_while_a_worker_starts(folder: Path) -> None:
    assert finished(folder, "send(PID)") == ""


def test_a_program_may_end_by_an_error(folder: Path) -> None:
    command = script(folder, "print(run(PID), flush=True)\nraise ValueError('mine')")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("ValueError: mine\n")
    assert not psutil.pid_exists(int(done.stdout))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_workers_end_with_a_client_that_is_killed(folder: Path, end: signal.Signals) -> None:
    idle = "run(f\"import os, pathlib; pathlib.Path({str(FOLDER)!r}, f'{{os.getpid()}}.pid').touch()\")\n"
    body = (
        f"FOLDER = {str(folder)!r}\n{idle}send({stay(folder, child=True)!r})\nsend({stay(folder)!r})\ntime.sleep(600)"
    )
    with subprocess.Popen(script(folder, body)) as client:
        workers = told(folder, 3)
        assert all(worker.is_running() for worker in workers)
        client.send_signal(end)
        assert client.wait(PATIENCE) == -end
        assert gone(workers)


def test_an_idle_worker_ends_with_a_client_that_is_killed(folder: Path) -> None:
    with subprocess.Popen(
        script(folder, "print(run(PID), flush=True)\ntime.sleep(600)"), stdout=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        worker = psutil.Process(int(client.stdout.readline()))
        client.kill()
        client.wait(PATIENCE)
        assert gone([worker])


def test_ctrl_c_at_the_terminal_ends_the_waiting_and_not_the_workers(folder: Path) -> None:
    body = (
        "pid = run(PID)\nhandle = send('import time; time.sleep(0.5); result = 1')\n"
        "try:\n    print('ready', flush=True); time.sleep(600)\nexcept KeyboardInterrupt:\n    pass\n"
        "handle.wait(None); print(handle.outcome() == b'1', run(PID) == pid)"
    )
    command = script(folder, body)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        for process in [psutil.Process(client.pid), *psutil.Process(client.pid).children(recursive=True)]:
            if "resource_tracker" not in " ".join(process.cmdline()):
                process.send_signal(signal.SIGINT)  # as a terminal does, to all in front of it
        assert client.stdout.read() == "True True\n"


def test_a_fork_of_the_client_has_workers_of_its_own(folder: Path) -> None:
    body = (
        "import warnings; warnings.simplefilter('ignore')\n"  # Python 3.12 warns of every fork with threads
        "first = run(PID); old = send('import time; time.sleep(1); result = 1')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    own = {run(PID) for _ in range(3)}\n"
        "    good = first not in own and len(own) == 1 and old.wait(0) and old.state is EngineState.LOST\n"
        "    runtime.close()\n"
        "    os._exit(0 if good else 1)\n"
        "print(os.waitpid(child, 0)[1], old.wait(None), old.outcome(), run(PID) == first)\n"
    )
    assert finished(folder, body) == "0 True b'1' True\n"


def test_a_child_of_multiprocessing_ends_though_its_worker_is_warm(folder: Path) -> None:
    body = (
        "import multiprocessing\n"
        "child = multiprocessing.get_context('fork').Process(target=lambda: print(run('result = 1 + 1'), flush=True))\n"
        "child.start()\n"
        "child.join(60)\n"
        "print(child.exitcode)\n"
    )
    assert finished(folder, body).split()[-1] == "0"


def test_a_fork_that_ends_leaves_the_workers_of_its_parent_alone(folder: Path) -> None:
    body = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import multiprocessing; first = run(PID)\n"
        "child = multiprocessing.get_context('fork').Process(target=runtime.close); child.start(); child.join()\n"
        "print(child.exitcode, run(PID) == first)\n"
    )
    assert finished(folder, body) == "0 True\n"


def test_a_killed_client_leaves_no_file_behind(folder: Path) -> None:
    body = f"import tempfile; tempfile.tempdir = {str(folder)!r}\nprint(run(PID), flush=True)\ntime.sleep(600)"
    with subprocess.Popen(script(folder, body), stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline()
        client.kill()
    assert [path.name for path in folder.iterdir()] == ["script.py"]


def test_a_client_that_may_have_no_children_is_told_so(folder: Path) -> None:
    body = (
        "import multiprocessing\nmultiprocessing.current_process()._config['daemon'] = True\n"
        "handle = send(PID); handle.wait(None)\n"
        "try:\n    handle.outcome()\nexcept Exception as error:\n    print(error)\n"
    )
    output = finished(folder, body)
    assert output.startswith(
        "task t was lost before it could run: its worker could not be started, AssertionError: daem"
    )

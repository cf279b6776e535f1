"""A kernel ends with its task, and takes along all that it started, however the task ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from omcore.errors import TaskCancelledError, TaskError, TaskFailedError, TaskTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega

pytestmark = pytest.mark.slow

LASTING = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
om.datasets.put([os.getppid(), os.getpid(), child.pid, other.pid], "pids")
child.wait()
"""


@pytest.fixture(autouse=True)
def _nothing_runs_on(omega: Omega) -> Iterator[None]:
    """A task whose worker or client was killed is given to the next worker: it would have it for long."""
    yield
    for task in omega.runtime.tasks():
        if not task.state.final:
            omega.runtime.task(task.id).cancel()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.02), retry=retry_if_result(lambda ok: not ok))(condition)


def started(omega: Omega) -> list[psutil.Process]:
    """The worker, the kernel and what the kernel started."""
    wait_for(lambda: omega.datasets.exists("pids"))
    return [psutil.Process(pid) for pid in omega.datasets.get("pids")]


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_task_that_is_cancelled_ends_its_kernel(omega: Omega, put_job: Any) -> None:
    put_job("lasting", LASTING)
    handle = omega.runtime.job("lasting").run()
    _, *processes = started(omega)
    handle.cancel()
    with pytest.raises(TaskCancelledError):
        handle.get(30)
    wait_for(lambda: not any(map(lives, processes)))


def test_a_task_that_takes_too_long_ends_its_kernel(omega: Omega, put_job: Any) -> None:
    put_job("lasting", LASTING)
    handle = omega.runtime.timeout(15).job("lasting").run()
    _, *processes = started(omega)
    with pytest.raises(TaskTimeoutError):
        handle.get()
    wait_for(lambda: not any(map(lives, processes)))
    assert not omega.jobs.exists("results/lasting")


def test_a_worker_that_is_killed_leaves_no_kernel(omega: Omega, put_job: Any) -> None:
    put_job("lasting", LASTING)
    omega.runtime.job("lasting").run()
    worker, kernel, child, _ = started(omega)
    worker.send_signal(signal.SIGKILL)
    wait_for(lambda: not lives(kernel) and not lives(child))


def test_a_program_that_runs_a_notebook_itself_and_is_killed_leaves_no_kernel(
    omega: Omega, put_job: Any, config: Path
) -> None:
    put_job("lasting", LASTING)
    program = (
        f"import omcore\n"
        f"om = omcore.setup(config={str(config)!r})[{omega.bucket!r}]\n"
        f"om.runtime.mode(local=True).job('lasting').run()\n"
    )
    client = subprocess.Popen([sys.executable, "-c", program])
    worker, *processes = started(omega)
    assert worker.pid == client.pid
    client.kill()
    client.wait()
    wait_for(lambda: not any(map(lives, processes)))


@pytest.mark.parametrize(
    ("crash", "told"),
    [
        ("import ctypes\nctypes.string_at(0)", "was ended by SIGSEGV"),
        ("import os\nos._exit(3)", "ended with exit code 3"),
    ],
    ids=["segmentation fault", "exit"],
)
def test_a_kernel_that_dies_is_told_with_the_cell_and_the_notebook_is_kept(
    omega: Omega, put_job: Any, crash: str, told: str
) -> None:
    put_job("crash", "print('before')", crash)
    with pytest.raises(TaskFailedError, match=f"the notebook's kernel {told} in cell 2 of 2") as failed:
        omega.runtime.mode(local=True).job("crash").run().get()
    assert isinstance(failed.value.__cause__, TaskError)
    assert omega.jobs.get("results/crash/failed").cells[0].outputs[0].text == "before\n"


def test_a_kernel_that_cannot_start_says_what_it_printed_last(
    omega: Omega, put_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_job("report", "1")
    monkeypatch.setattr("omcore.proxies.programs.kernelprocess.OPENER", "omcore:no_such_function")
    with pytest.raises(TaskFailedError, match=r"kernel could not be started .*no_such_function"):
        omega.runtime.mode(local=True).job("report").run().get()


def test_nothing_of_a_run_is_left_in_this_process(omega: Omega, put_job: Any) -> None:
    put_job("report", "1")
    here = psutil.Process()
    for _ in range(2):
        omega.runtime.mode(local=True).job("report").run().get()
        files, threads = here.num_fds(), here.num_threads()
    omega.runtime.mode(local=True).job("report").run().get()
    assert [child for child in here.children() if "kernel" in " ".join(child.cmdline())] == []
    assert here.num_fds() <= files
    assert here.num_threads() <= threads
    assert os.getpgrp() == os.getpgid(os.getpid())

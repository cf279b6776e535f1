"""How the local runtime says that a task was lost, and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import TaskLostError, TaskTimeoutError

from .conftest import PATIENCE, run, send

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.runtimes.backend import EngineHandle
    from omcore.runtimes.local import LocalRuntime

    from .conftest import StartLocal


def lost(handle: EngineHandle) -> TaskLostError:
    assert handle.wait(PATIENCE)
    with pytest.raises(TaskLostError) as caught:
        handle.outcome()
    return caught.value


def test_the_error_names_the_signal(local: LocalRuntime) -> None:
    error = lost(send(local, "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"))
    assert str(error) == "task t was lost while it ran: its worker ended by SIGTERM; submit it again"


def test_the_error_names_the_exit_code_and_the_last_line_that_was_printed(local: LocalRuntime) -> None:
    error = lost(send(local, "import os; print('first'); print('out of luck'); os._exit(7)"))
    assert "its worker ended with exit code 7, and 'out of luck' was the last it printed" in str(error)
    assert error.__notes__ == ["The worker printed at last:\nfirst\nout of luck\n"]


def test_a_crash_in_native_code_leaves_its_traceback_with_the_error(local: LocalRuntime) -> None:
    error = lost(send(local, "import faulthandler; faulthandler._sigsegv()"))
    assert "ended by SIGSEGV" in str(error)
    assert "Fatal Python error: Segmentation fault" in error.__notes__[0]


def test_a_function_that_raises_after_all_ends_its_worker_and_not_the_runtime(local: LocalRuntime) -> None:
    error = lost(send(local, "raise RuntimeError('against the contract')"))
    assert "ended with exit code 1, and 'RuntimeError: against the contract' was the last" in str(error)
    assert run(local, "result = 1") == "1"


def test_a_worker_that_cannot_be_prepared_fails_each_task_once(start_local: StartLocal, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    prepare = f"open({str(tries)!r}, 'a').write('x')\nraise OSError('no such database')"
    runtime = start_local(prepare=prepare)
    for number in (1, 2, 3):
        error = lost(send(runtime, "result = 1"))
        assert str(error).startswith("task t was lost before it could run: its worker ended with exit code 1")
        assert "OSError: no such database" in str(error)
        assert len(tries.read_text()) == number


def test_a_child_that_outlives_the_worker_does_not_hide_its_death(local: LocalRuntime, tmp_path: Path) -> None:
    program = (
        f"import os, pathlib, time\n"
        f"if os.fork() == 0:\n"
        f"    end = time.monotonic() + 600\n"
        f"    while not pathlib.Path({str(tmp_path / 'go')!r}).exists() and time.monotonic() < end: time.sleep(0.01)\n"
        f"    os._exit(0)\n"
        f"os._exit(3)"
    )
    assert "exit code 3" in str(lost(send(local, program)))
    assert not (tmp_path / "go").exists()
    (tmp_path / "go").touch()


def test_a_program_that_outlives_the_worker_does_not_hide_its_death(local: LocalRuntime) -> None:
    program = "import os, subprocess; subprocess.Popen(['sleep', '5'], close_fds=False); os._exit(3)"
    assert "exit code 3" in str(lost(send(local, program)))


def test_a_task_that_takes_too_long_is_said_to_have_done_so(local: LocalRuntime) -> None:
    handle = send(local, "import time; time.sleep(600)", timeout=0.2)
    assert handle.wait(PATIENCE)
    with pytest.raises(
        TaskTimeoutError, match=r"^task t ran longer than the 0\.2 seconds it was given, and was ended$"
    ):
        handle.outcome()


def test_the_time_of_a_task_does_not_count_the_start_of_its_worker(start_local: StartLocal) -> None:
    runtime = start_local(prepare="import time; time.sleep(1)")
    assert send(runtime, "result = 1", timeout=0.9).wait(PATIENCE)
    assert run(runtime, "result = 2") == "2"


@pytest.mark.parametrize("timeout", [1e5, 1e9, 1e300, float("inf")])
def test_a_limit_may_be_as_large_as_one_likes(local: LocalRuntime, timeout: float) -> None:
    handle = send(local, "result = 'done'", timeout=timeout)
    assert handle.wait(PATIENCE)
    assert handle.outcome() == b"done"


def test_what_a_worker_prints_is_kept_within_bounds(local: LocalRuntime) -> None:
    for _ in range(4):
        run(local, "print('x' * 1_000_000)")
    size = int(run(local, "import os; result = os.fstat(1).st_size"))
    assert size < 2_500_000

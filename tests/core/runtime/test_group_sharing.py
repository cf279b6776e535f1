"""Workers that several clients share: who finds them, what goes on, and what becomes of it when somebody ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from omcore.errors import NoWorkerError, TaskCancelledError, TaskError, TaskLostError
from omcore.runtimes.backend import Delivery, EngineState
from omcore.runtimes.group.meeting import Meeting

from .conftest import IMPORTABLE, PATIENCE, lives, result, run, send, until
from .groups import group

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import StartLocal

PID = "import os; result = os.getpid()"
PLAIN = frozenset[str]()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, temporary: Path) -> Path:
    """The folder of the context; its path is too long for a socket."""
    return tmp_path


def waits(folder: Path, name: str) -> str:
    """A program that says by a file that it has started, and by another one that it was allowed to end."""
    return (
        f"import os, pathlib, time\nfolder = pathlib.Path({str(folder)!r})\n"
        f"part = folder / '{name}.part'; part.write_text(str(os.getpid())); part.rename(folder / '{name}.pid')\n"
        f"while not (folder / '{name}.go').exists(): time.sleep(0.01)\n"
        f"(folder / '{name}.end').touch()\nresult = '{name}'"
    )


def started(folder: Path, name: str) -> int:
    """The process that runs it, once it does."""
    until((folder / f"{name}.pid").exists)
    return int((folder / f"{name}.pid").read_text())


def sockets(home: Path) -> list[Path]:
    return [path for path in Meeting(home).folder.iterdir() if path.suffix in {".sock", ".new", ".life"}]


def test_clients_find_a_group_and_share_its_workers(start_local: StartLocal, home: Path) -> None:
    with group(home) as process:
        first, second = start_local(), start_local()
        worker = run(first, PID)
        assert run(second, PID) == worker
        assert psutil.Process(int(worker)).ppid() == process.pid
        assert [info.id for info in first.workers()] == [f"default-1@{process.pid}"]
        assert first.holder(PLAIN)


def test_a_client_notices_that_a_group_came_or_went_when_it_submits(start_local: StartLocal, home: Path) -> None:
    client = start_local()
    own = run(client, PID)
    with group(home) as process:
        shared = run(client, PID)
        assert shared != own
        assert psutil.Process(int(shared)).ppid() == process.pid
    assert client.holder(PLAIN) is None
    assert run(client, PID) == own


@pytest.mark.slow
def test_a_client_may_refuse_to_share(start_local: StartLocal, home: Path) -> None:
    with group(home):
        client = start_local({"workers": 1, "shared": False})
        assert psutil.Process(int(run(client, PID))).ppid() == os.getpid()
        assert [worker.id for worker in client.workers()] == ["default-1"]
        assert client.holder(PLAIN) is None


def test_a_client_that_only_shares_says_that_nobody_is_there(start_local: StartLocal) -> None:
    client = start_local({"shared": True})
    assert list(client.workers()) == []
    assert not client.serves(PLAIN)
    with pytest.raises(NoWorkerError, match=r"no group of workers is there .* start one with 'om runtime worker'"):
        send(client, PID)


def test_labels_decide_between_a_group_and_workers_of_ones_own(start_local: StartLocal, home: Path) -> None:
    client = start_local({"workers": 1, "pools": {"big": {"labels": ["memory"]}}})
    with group(home, "gpu") as gpu:
        assert psutil.Process(int(run(client, PID, "gpu"))).ppid() == gpu.pid
        assert psutil.Process(int(run(client, PID))).ppid() == gpu.pid
        assert psutil.Process(int(run(client, PID, "memory"))).ppid() == os.getpid()
        assert {worker.id for worker in client.workers()} == {f"default-1@{gpu.pid}", "big-1"}
        assert client.labels() == {"gpu", "memory"}
        assert not client.serves(frozenset({"gpu", "memory"}))


@pytest.mark.slow
def test_several_groups_of_one_context_serve_side_by_side(start_local: StartLocal, home: Path) -> None:
    client = start_local({"shared": True})
    with group(home, "gpu") as gpu, group(home, "memory", workers=2) as memory:
        assert client.labels() == {"gpu", "memory"}
        assert len({worker.id for worker in client.workers()}) == 3
        assert psutil.Process(int(run(client, PID, "gpu"))).ppid() == gpu.pid
        assert psutil.Process(int(run(client, PID, "memory"))).ppid() == memory.pid


def test_who_has_opened_a_group_hands_tasks_to_that_alone(start_local: StartLocal, home: Path) -> None:
    host = start_local()
    with group(home, "gpu"), host.open_group(1, ["memory"]) as own:
        assert host.labels() == {"memory"}
        assert not host.serves(frozenset({"gpu"}))
        assert [worker.id for worker in host.workers()] == [f"default-1@{own.name}"]
        assert host.holder(frozenset({"gpu"})) == own.name
        worker = run(host, PID, "memory")
        assert psutil.Process(int(worker)).ppid() == os.getpid()
        assert run(start_local({"shared": True}), PID, "memory") == worker
        running = send(host, waits(home, "running"), task_id="running")
        started(home, "running")
        host.cancel("running")
        assert running.state is EngineState.CANCELLED
        own.drain()
        assert not host.serves(frozenset({"memory"}))
        with pytest.raises(TaskError, match="the group of workers is being stopped"):
            send(host, PID)


@pytest.mark.slow
def test_a_group_of_another_configuration_is_left_alone(
    start_local: StartLocal, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with group(home, contexts="another = 1"):
        assert psutil.Process(int(run(start_local(), PID))).ppid() == os.getpid()
        with pytest.raises(NoWorkerError, match="started with another configuration"):
            send(start_local({"shared": True}), PID)
    assert "another configuration" in caplog.text


def test_first_come_first_served_over_all_clients(start_local: StartLocal, home: Path) -> None:
    clients = [start_local(), start_local()]
    with group(home):
        held = send(clients[0], waits(home, "held"))
        started(home, "held")
        note = f"with open({str(home / 'order')!r}, 'a') as file: file.write('%s ')"
        sent = []
        for number in range(10):
            sent.append(send(clients[number % 2], note % number, task_id=f"t{number}"))
            assert sent[-1].state is EngineState.QUEUED  # so that it has arrived
        (home / "held.go").touch()
        for handle in (held, *sent):
            assert result(handle)
        assert (home / "order").read_text().split() == list(map(str, range(10)))


def test_any_client_may_cancel(start_local: StartLocal, home: Path) -> None:
    mine, yours = start_local(), start_local()
    with group(home):
        running, queued = send(mine, waits(home, "running"), task_id="running"), send(mine, PID, task_id="queued")
        process = psutil.Process(started(home, "running"))
        assert (running.state, queued.state) == (EngineState.RUNNING, EngineState.QUEUED)
        assert [worker.running for worker in yours.workers()] == [("running",)]
        for task in ("queued", "running"):
            yours.cancel(task)
        for handle in (running, queued):
            assert handle.wait(PATIENCE)
            assert handle.state is EngineState.CANCELLED
            with pytest.raises(TaskCancelledError):
                handle.outcome()
        psutil.wait_procs([process], timeout=PATIENCE)
        assert not process.is_running()
        assert run(yours, "result = 'next'") == "next"


def test_what_was_submitted_goes_on_when_the_client_closes(start_local: StartLocal, home: Path) -> None:
    with group(home):
        client = start_local()
        running, queued = send(client, waits(home, "running")), send(client, waits(home, "queued"))
        started(home, "running")
        assert running.state is EngineState.RUNNING
        client.close()
        assert running.state is EngineState.RUNNING
        assert not queued.wait(None)
        with pytest.raises(TaskError, match="goes on in a group"):
            running.outcome()
        with pytest.raises(TaskError, match="closed"):
            send(client, PID)
        for name in ("running", "queued"):
            (home / f"{name}.go").touch()
            until((home / f"{name}.end").exists)


CLIENT = f"""
import pathlib, sys, time
sys.path.insert(0, {str(IMPORTABLE)!r})
import om_probe
from omcore.runtimes.backend import Delivery, WorkerEntry
from omcore.runtimes.local import LocalOptions, LocalRuntime
from omcore.storage.backend import Place

entry = WorkerEntry(om_probe.execute, om_probe.prepare, b"")
runtime = LocalRuntime(LocalOptions(shared=True), Place("here", pathlib.Path(sys.argv[1])), entry, {{}})
for number, program in enumerate(sys.argv[2:]):
    runtime.submit(Delivery(f"t{{number}}", program.encode())).state
print("submitted", flush=True)
time.sleep(600)
"""


def test_what_was_submitted_goes_on_when_the_client_is_killed(start_local: StartLocal, home: Path) -> None:
    with group(home) as process:
        programs = [waits(home, "running"), waits(home, "queued")]
        arguments = [sys.executable, "-W", "error", "-c", CLIENT, str(home), *programs]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "submitted\n"
            client.kill()
        for name in ("running", "queued"):
            started(home, name)
            (home / f"{name}.go").touch()
            until((home / f"{name}.end").exists)
        assert run(start_local(), "result = 'next'") == "next"
        until(lambda: psutil.Process(process.pid).num_threads() <= 5)  # none is left that served the dead client


def test_a_group_that_is_killed_loses_its_tasks_and_nothing_of_them_runs_on(
    start_local: StartLocal, home: Path
) -> None:
    client = start_local({"workers": 1})
    with group(home) as process:
        running, queued = send(client, waits(home, "running")), send(client, waits(home, "queued"))
        worker = psutil.Process(started(home, "running"))
        process.kill()
        for handle in (running, queued):
            assert handle.wait(PATIENCE)
            assert handle.state is EngineState.LOST
            with pytest.raises(TaskLostError, match="the group of workers") as caught:
                handle.outcome()
            assert caught.value.task_id == "t"
        assert not lives(worker)
        (home / "running.go").touch()
        assert run(client, "result = 'on my own'") == "on my own"
        assert not (home / "running.end").exists()


def test_what_a_killed_group_left_hinders_nobody(start_local: StartLocal, home: Path) -> None:
    with group(home) as process:
        process.kill()
        process.wait(PATIENCE)
    assert sockets(home)
    client = start_local({"shared": True})
    assert not client.serves(PLAIN)
    with group(home) as process:
        assert run(client, "result = 'again'") == "again"
        assert {path.stem for path in sockets(home)} == {str(process.pid)}
    assert sockets(home) == []


@pytest.mark.slow
def test_a_worker_of_a_group_that_is_killed_costs_its_task_alone(start_local: StartLocal, home: Path) -> None:
    client = start_local()
    with group(home):
        running, queued = send(client, waits(home, "running")), send(client, "result = 'queued'")
        os.kill(started(home, "running"), signal.SIGKILL)
        assert result(queued) == "queued"
        assert running.state is EngineState.LOST
        with pytest.raises(TaskLostError, match="its worker ended by SIGKILL"):
            running.outcome()


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGINT, id="SIGINT", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, id="SIGHUP", marks=pytest.mark.slow),
    ],
)
def test_a_group_that_is_told_to_stop_lets_running_tasks_end(
    start_local: StartLocal, home: Path, number: signal.Signals
) -> None:
    client = start_local({"workers": 1, "shared": True})
    with group(home) as process:
        running, queued = send(client, waits(home, "running")), send(client, PID)
        worker = psutil.Process(started(home, "running"))
        process.send_signal(number)
        assert queued.wait(PATIENCE)
        with pytest.raises(TaskLostError, match="lost before it was started: the group of workers is being stopped"):
            queued.outcome()
        assert not client.serves(PLAIN)
        assert running.state is EngineState.RUNNING
        (home / "running.go").touch()
        assert result(running) == "running"
        assert process.wait(PATIENCE) == 0
        assert not worker.is_running()
        assert sockets(home) == []


def test_a_second_signal_ends_a_group_at_once(start_local: StartLocal, home: Path) -> None:
    client = start_local()
    with group(home, grace=600) as process:
        running = send(client, waits(home, "running"))
        worker = psutil.Process(started(home, "running"))
        process.terminate()
        assert process.stdout is not None
        assert "stopping: running tasks have 600 seconds" in process.stdout.readline()
        process.terminate()
        assert running.wait(PATIENCE)
        assert running.state is EngineState.LOST
        assert process.wait(PATIENCE) == 0
        assert not worker.is_running()
        assert sockets(home) == []


@pytest.mark.slow
def test_tasks_that_take_longer_than_the_grace_are_ended(start_local: StartLocal, home: Path) -> None:
    client = start_local()
    with group(home, grace=0.1) as process:
        running = send(client, waits(home, "running"))
        started(home, "running")
        process.terminate()
        assert running.wait(PATIENCE)
        with pytest.raises(TaskLostError, match="not finished when"):
            running.outcome()
        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_an_id_may_be_anything_that_json_can_write(start_local: StartLocal, home: Path) -> None:
    with group(home):
        handle = start_local().submit(Delivery('"\\ \0 ü 漢', b"result = 'done'"))
        assert result(handle) == "done"

"""What handles tell: where a task is and why, how far, what it printed; of one task, of many, of a repeated call."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from sklearn.linear_model import LinearRegression

import omcore
from omcore.errors import InvalidArgumentError, TaskTimeoutError
from omcore.runtimes.handle import as_completed
from omcore.runtimes.progress import Progress
from omcore.runtimes.task import Outcome, PinValue, State, TaskSpec, new_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

    from .conftest import PutModel

PATIENCE = 60.0

GATED = """
import pathlib, time
def run(om, folder, name="x"):
    folder = pathlib.Path(folder)
    print(f"{name} begins")
    (folder / f"{name}.begun").touch()
    while not (folder / f"{name}.go").exists():
        time.sleep(0.01)
    print(f"{name} ends")
    return name
"""


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def gated(omega: Omega, script: Callable[[str, str], None]) -> Callable[..., Handle]:
    """Submits a task that says when it has begun, and ends when it may."""
    script("gated", GATED)
    return lambda *arguments, **more: omega.runtime.script("gated").run(*arguments, **more)


# --- one task


def test_what_a_task_printed_is_read_while_it_runs_and_to_its_end(gated: Callable[..., Handle], tmp_path: Path) -> None:
    handle = gated(str(tmp_path))
    pieces = handle.logs(follow=True)
    assert "x begins" in next(pieces)
    assert handle.status is State.STARTED
    (tmp_path / "x.go").touch()
    assert "".join(pieces).endswith("x ends\n")
    assert handle.logs().splitlines() == ["x begins", "x ends"]
    assert handle.get() == "x"


def test_where_a_task_is_and_why_is_said_in_a_sentence(
    omega: Omega, gated: Callable[..., Handle], tmp_path: Path
) -> None:
    running = gated(str(tmp_path))
    until((tmp_path / "x.begun").exists)
    queued = [gated(str(tmp_path), name=f"q{number}") for number in range(2)]
    alone = omega.runtime.require("tpu").wait().script("gated").run(str(tmp_path))
    assert "has been running for" in running.explain()
    assert all("workers for it live, and are busy or about to take it" in each.explain() for each in queued[1:])
    assert "no live worker offers its labels tpu" in alone.explain()
    for handle in [*queued, alone]:
        handle.cancel()
        assert f"has ended with {State.REVOKED}: task {handle.id} was cancelled" in handle.explain()
    (tmp_path / "x.go").touch()
    running.get()
    assert running.explain() == f"task {running.id} has ended with SUCCESS"


def test_how_far_a_task_is_can_be_seen_from_outside(omega: Omega) -> None:
    spec = TaskSpec(
        id=new_id(), context="default", fingerprint="0", bucket=omega.bucket, proxy="model", action="fit", arguments={},
        object=PinValue(store="models", name="m", version=1, id="0"), submitted=time.time(), durable=True,
    )  # fmt: skip
    records = omega.context.records
    records.create(spec, b"{}", omega.context.keeper.publisher())
    claim = records.claim(spec.id, "here:1")
    assert not isinstance(claim, Outcome)
    assert omega.runtime.task(spec.id).progress is None
    records.renew(claim, {"done": 3, "total": 4, "unit": "parts"})
    assert omega.runtime.task(spec.id).progress == Progress(done=3, total=4, unit="parts")
    records.end(Outcome(id=spec.id, state=State.REVOKED))


# --- many tasks


def test_handles_come_as_their_tasks_end(omega: Omega, gated: Callable[..., Handle], tmp_path: Path) -> None:
    blocked = omega.runtime.require("gpu").script("gated").run(str(tmp_path), name="late")
    until((tmp_path / "late.begun").exists)
    (tmp_path / "early.go").touch()
    early = [gated(str(tmp_path), name="early") for _ in range(2)]
    coming = as_completed([blocked, *early])
    assert {next(coming).id, next(coming).id} == {handle.id for handle in early}
    (tmp_path / "late.go").touch()
    assert [handle.id for handle in coming] == [blocked.id]


def test_waiting_for_many_ends_in_time_and_says_how_many_are_left(gated: Callable[..., Handle], tmp_path: Path) -> None:
    handles = [gated(str(tmp_path)) for _ in range(3)]
    with pytest.raises(TaskTimeoutError, match="3 of the tasks have not ended in time"):
        list(as_completed(handles, timeout=0.1))
    with pytest.raises(InvalidArgumentError, match="takes the handles of tasks"):
        list(as_completed([*handles, "x"]))  # type: ignore[list-item]
    (tmp_path / "x.go").touch()
    assert {handle.id for handle in as_completed(handles)} == {handle.id for handle in handles}


# --- a call that is repeated


def test_a_repeated_call_is_the_same_task_and_has_the_same_result(omega: Omega, odd: PutModel) -> None:
    odd("return time.time_ns()")
    scope = omega.runtime.idempotent("nightly")
    first = scope.model("odd").predict([1])
    value = first.get()
    odd("return 5")
    again = scope.model("odd").predict([1])
    assert (again.id, again.get()) == (first.id, value)
    assert omega.runtime.idempotent("other").model("odd").predict([1]).get() == 5
    assert scope.mode(local=True).model("odd").predict([1]).get() == value


def test_a_key_that_was_used_for_another_call_is_refused(omega: Omega, odd: PutModel) -> None:
    odd("return 1")
    scope = omega.runtime.idempotent("nightly")
    scope.model("odd").predict([1]).get()
    calls: list[Callable[[], object]] = [
        lambda: scope.model("odd").predict([2]),
        lambda: scope.model("odd").call("get_params"),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError, match="used before for another one, predict on models/odd@1"):
            call()
    other = omega[f"{omega.bucket}-other"]
    omega.models.promote("odd", other.models)
    assert other.runtime.idempotent("nightly").model("odd").predict([3]).get() == 1


SAME_CALL = """
import sys, omcore
with omcore.setup(config=sys.argv[1]) as om:
    sys.stdin.readline()
    print(om[sys.argv[2]].runtime.idempotent("once").script("count").run(sys.argv[3]).get())
"""


def test_two_processes_that_make_the_same_call_at_once_run_it_once(
    omega: Omega, config: Path, script: Callable[[str, str], None], tmp_path: Path
) -> None:
    script("count", "def run(om, path):\n    open(path, 'a').write('x')\n    return len(open(path).read())\n")
    ran = tmp_path / "ran"
    command = [sys.executable, "-c", SAME_CALL, str(config), omega.bucket, str(ran)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    callers = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for caller in callers:
        caller.stdin.write("go\n")
        caller.stdin.flush()
    assert [caller.communicate(timeout=PATIENCE)[0].strip() for caller in callers] == ["1", "1"]
    assert ran.read_text() == "x"


def test_a_context_that_was_closed_answers_for_its_tasks_when_it_is_opened_again(tmp_path: Path) -> None:
    config = tmp_path / "omcore.toml"
    config.write_text('[contexts.default]\nruntime = { backend = "local", workers = 0 }\n')
    with omcore.setup(config=config) as om:
        om.datasets.put([1], "x")
        (tmp_path / "s.py").write_text("def run(om): return 1\n")
        om.scripts.put(tmp_path / "s.py", "s")
        queued = om.runtime.wait().script("s").run()
        assert queued.status is State.PENDING
    with omcore.setup(config=config) as om:
        assert om.runtime.task(queued.id).status is State.LOST


@pytest.mark.parametrize("seconds", ["5", True, -1, float("nan"), [1]], ids=["text", "truth", "past", "nan", "list"])
def test_how_long_to_wait_is_a_number_of_seconds(omega: Omega, seconds: Any) -> None:
    omega.models.put(LinearRegression().fit([[1.0]], [1.0]), "line")
    handle = omega.runtime.mode(local=True).model("line").predict([[1.0]])
    for ask in (handle.wait, handle.get, lambda timeout: list(as_completed([handle], timeout))):
        with pytest.raises(InvalidArgumentError, match="how long to wait is a number of seconds"):
            ask(seconds)


@pytest.mark.parametrize(
    "ask",
    [
        lambda scope: scope.retry("3"),
        lambda scope: scope.retry(True),
        lambda scope: scope.retry(2, on="x"),
        lambda scope: scope.retry(2, on=int),
        lambda scope: scope.retry(2, on=()),
        lambda scope: scope.mode(local="x"),
        lambda scope: scope.tasks(state="NOPE"),
        lambda _: list(as_completed(cast("Any", 3))),
        lambda _: list(as_completed(cast("Any", [3]))),
    ],
    ids=["text", "truth", "no name", "no error", "nothing", "no truth", "no state", "no handles", "no handle"],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(omega: Omega, ask: Callable[[Any], object]) -> None:
    with pytest.raises(InvalidArgumentError):
        ask(omega.runtime)

"""What looks after a task while it runs: its lease, its limits, what it prints and how far it is."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from omcore.errors import StorageUnavailableError
from omcore.runtimes import pulse as pulsing
from omcore.runtimes.capture import TaskLog
from omcore.runtimes.logs import PREFIX, TaskLogs
from omcore.runtimes.pulse import TICK, Attempt, InterruptedTask, Pulse
from omcore.runtimes.records import TaskRecords
from omcore.runtimes.task import Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from omcore.runtimes.claims import Claim
    from omcore.storage.backend import Change
    from omcore.storage.memory import MemoryStorage

    from .conftest import Submit, Take

PATIENCE = 30.0


@pytest.fixture
def records(storage: MemoryStorage) -> TaskRecords:
    """On the clock of the machine: the pulse cannot be told the time."""
    return TaskRecords(storage)


@pytest.fixture
def pulse(records: TaskRecords, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    """One that looks often."""
    monkeypatch.setattr(pulsing, "TICK", 0.02)
    monkeypatch.setattr(pulsing, "LOOK", 0.02)
    made = Pulse(records)
    yield made
    made.close()


@pytest.fixture
def claim(submit: Submit, take: Take) -> Claim:
    return take(submit(submitted=time.time()))


def attempt_on(pulse: Pulse, claim: Claim | None, storage: MemoryStorage, timeout: float | None = None) -> Attempt:
    writer = None if claim is None else TaskLogs(storage).writer(claim.id, claim.attempt)
    return Attempt(pulse, claim, TaskLog(), writer, timeout, alone=False)


def run_until(condition: Callable[[], object]) -> None:
    """Run, as an action does, until something that must happen."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def run_on() -> None:
    """Run, as an action does that must be interrupted."""
    run_until(lambda: False)


def test_the_lease_is_renewed_while_the_task_runs(
    pulse: Pulse, records: TaskRecords, storage: MemoryStorage, submit: Submit, take: Take
) -> None:
    claim = take(submit(submitted=time.time(), lease=0.9))
    first = claim.record.body["leased"]
    with attempt_on(pulse, claim, storage):
        run_until(lambda: records.record(claim.id).body["leased"] >= first + 0.9)
    assert records.holds(claim)


@pytest.mark.parametrize("lease", [1.0, 30.0])
def test_the_pulse_looks_before_a_third_of_the_lease_is_over(
    records: TaskRecords, storage: MemoryStorage, submit: Submit, take: Take, lease: float
) -> None:
    attempt = attempt_on(Pulse(records), take(submit(submitted=time.time(), lease=lease)), storage)
    assert attempt.next <= time.monotonic() + min(TICK, lease / 3)


def test_a_task_that_was_cancelled_elsewhere_is_interrupted(
    pulse: Pulse, records: TaskRecords, storage: MemoryStorage, claim: Claim
) -> None:
    attempt = attempt_on(pulse, claim, storage)
    with pytest.raises(InterruptedTask), attempt:
        records.end(Outcome(id=claim.id, state=State.REVOKED))
        run_on()
    assert "it was cancelled, or given to another worker" in attempt.why
    assert not attempt.timed_out


def test_a_task_that_runs_too_long_is_ended_and_interrupted(
    pulse: Pulse, records: TaskRecords, storage: MemoryStorage, claim: Claim
) -> None:
    attempt = attempt_on(pulse, claim, storage, timeout=0.1)
    with pytest.raises(InterruptedTask), attempt:
        run_on()
    assert attempt.timed_out
    outcome = records.outcome(claim.id)
    assert outcome is not None
    assert outcome.state is State.FAILURE
    assert outcome.error is not None
    assert "ran longer than the 0.1 seconds it was given" in outcome.error.message


@pytest.mark.parametrize("timeout", [None, 1000.0])
def test_a_task_that_is_over_its_deadline_is_ended_though_it_has_not_run_long(
    pulse: Pulse,
    records: TaskRecords,
    storage: MemoryStorage,
    submit: Submit,
    take: Take,
    timeout: float | None,
) -> None:
    now = time.time()
    claim = take(submit(submitted=now - 99.5, deadline=now + 0.5))
    attempt = attempt_on(pulse, claim, storage, timeout=timeout)
    with pytest.raises(InterruptedTask), attempt:
        run_on()
    outcome = records.outcome(claim.id)
    assert outcome is not None
    assert outcome.error is not None
    assert "had not ended 100 seconds after it was submitted" in outcome.error.message
    assert attempt.timed_out


def test_a_light_task_has_no_record_and_is_interrupted_all_the_same(pulse: Pulse, storage: MemoryStorage) -> None:
    attempt = attempt_on(pulse, None, storage, timeout=0.05)
    with pytest.raises(InterruptedTask), attempt:
        run_on()
    assert attempt.timed_out
    assert list(storage.find_records("")) == []


def test_others_see_how_far_a_task_is_and_what_it_printed_while_it_runs(
    pulse: Pulse, records: TaskRecords, storage: MemoryStorage, claim: Claim
) -> None:
    logs = TaskLogs(storage)
    with attempt_on(pulse, claim, storage) as attempt:
        for done in (1, 2):
            attempt.progress = {"done": done, "total": 2, "unit": "rows"}
            attempt.log.write(f"row {done}\n")
            run_until(lambda: records.record(claim.id).body["progress"] == attempt.progress)
            run_until(lambda: "".join(text for _, text in logs.read(claim.id)) == attempt.log.text())
    assert [text for _, text in logs.read(claim.id)] == ["row 1\n", "row 2\n"]


def test_a_task_ends_when_what_it_printed_before_has_been_written(
    pulse: Pulse, storage: MemoryStorage, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go, commit = threading.Event(), threading.Event(), storage.commit

    def slow(changes: Sequence[Change]) -> Mapping[str, str]:
        if any(change.key.startswith(PREFIX) for change in changes):
            writing.set()
            assert go.wait(PATIENCE)
        return commit(changes)

    monkeypatch.setattr(storage, "commit", slow)
    writer = TaskLogs(storage).writer(claim.id, claim.attempt)
    with Attempt(pulse, claim, TaskLog(), writer, None, alone=False) as attempt:
        attempt.log.write("before\n")
        assert writing.wait(PATIENCE)
        ending = threading.Thread(target=attempt.end)
        ending.start()
        ending.join(0.1)
        assert ending.is_alive()
        go.set()
        ending.join(PATIENCE)
    storage.commit(writer.changes("at the end\n"))
    assert [text for _, text in TaskLogs(storage).read(claim.id)] == ["before\n", "at the end\n"]


def test_an_interrupt_that_comes_too_late_hits_nobody(pulse: Pulse, storage: MemoryStorage, claim: Claim) -> None:
    with attempt_on(pulse, claim, storage) as attempt:
        pass
    attempt.end()
    attempt.interrupt("too late")
    sum(range(100_000))
    assert attempt.why == ""


def test_a_storage_that_is_out_of_reach_for_a_moment_does_not_end_a_task(
    pulse: Pulse,
    records: TaskRecords,
    storage: MemoryStorage,
    claim: Claim,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def unreachable(*_: object) -> None:
        raise StorageUnavailableError("the storage is out of reach")

    with attempt_on(pulse, claim, storage) as attempt, caplog.at_level(logging.WARNING, "omcore"):
        with monkeypatch.context() as broken:
            broken.setattr(storage, "commit", unreachable)
            attempt.progress = {"done": 1, "total": None, "unit": ""}
            run_until(lambda: "could not be kept now" in caplog.text)
        attempt.progress = {"done": 2, "total": None, "unit": ""}
        run_until(lambda: records.record(claim.id).body["progress"] == attempt.progress)
    assert records.holds(claim)


TRACED = """
import sys
from pathlib import Path
from omcore.runtimes.capture import TaskLog
from omcore.runtimes.pulse import Attempt, InterruptedTask, Pulse
from omcore.runtimes.records import TaskRecords
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage

pulse = Pulse(TaskRecords(MemoryStorage(MemoryOptions(), Place("dev", Path("unused")))))
try:
    with Attempt(pulse, None, TaskLog(), None, 0.2, alone=False):
        while True:
            pass
except InterruptedTask:
    print("ended", flush=True)

def traced(number):
    return sum(number for _ in range(3))

sys.settrace(lambda *_: None)
print(traced(2), flush=True)
"""


def test_code_can_be_traced_after_a_task_was_interrupted() -> None:
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "ended\n6\n", done.stderr

"""What reaches a worker without a signature costs nothing, opens nothing, and says nothing (as bar X9 asks)."""

from __future__ import annotations

import json
import logging
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LinearRegression

from omcore import worker
from omcore.errors import ContextNotFoundError, SignatureError
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.task import LARGEST_ENVELOPE, Outcome, PinValue, State, TaskSpec, new_id
from omcore.signing import Key, KeyRing

if TYPE_CHECKING:
    from omcore.omega import Omega

MARK = "hunter2"


@pytest.fixture
def task(omega: Omega, config: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """A task of the context that this process, as a worker, finds in its own configuration."""
    monkeypatch.chdir(config.parent)
    stored = omega.models.put(LinearRegression(), "line")
    return TaskSpec(
        id=new_id(),
        context=omega.context.settings.name,
        fingerprint=omega.context.fingerprint,
        bucket=omega.bucket,
        proxy="model",
        object=PinValue(store="models", name="line", version=1, id=stored.id),
        action="call",
        arguments={},
        submitted=1.0,
    )


def refusal(envelope: bytes) -> Outcome:
    outcome = Outcome.load(worker.execute(envelope))
    assert outcome.state is State.FAILURE
    assert outcome.error is not None
    return outcome


def type_of(envelope: bytes) -> str:
    error = refusal(envelope).error
    return error.type if error else ""


def test_a_foreign_context_is_looked_for_once_however_many_messages_name_it(task: TaskSpec) -> None:
    def send(number: int) -> None:
        foreign = task.model_copy(update={"fingerprint": f"{number:032d}"})
        assert type_of(foreign.seal(KeyRing())).endswith(ContextNotFoundError.__name__)

    send(0)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    for number in range(1, 40):
        send(number)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208 - a count


def test_no_field_reaches_anything_before_the_signature_does(
    task: TaskSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    refusal(task.seal(KeyRing()))
    monkeypatch.setattr(Path, "open", lambda path, *_, **__: opened.append(str(path)))
    for field in ("bucket", "proxy", "action"):
        for value in ("../../x", str(tmp_path), "x" * 199, "a\0b"):
            hostile = task.model_copy(update={field: value})
            assert type_of(hostile.seal(KeyRing())).endswith(SignatureError.__name__)
    assert opened == []


def test_altered_foreign_deep_and_huge_messages_and_pickles_are_refused(task: TaskSpec) -> None:
    whole = json.loads(task.seal(KeyRing(Key.of(b"a key that nobody here lists"))))
    messages: list[bytes] = [
        json.dumps(whole).encode(),
        json.dumps({**whole, "signature": {}}).encode(),
        json.dumps({**whole, "signature": {"key": MARK * 1000, "mac": "\udc80"}}).encode(),
        json.dumps({**whole, "spec": whole["spec"].replace('"version":1', f'"version":{"9" * 5000}')}).encode(),
        json.dumps({**whole, "spec": whole["spec"].replace('"submitted":1.0', '"submitted":NaN')}).encode(),
        json.dumps({**whole, "spec": whole["spec"].replace('"timeout":null', '"timeout":Infinity')}).encode(),
        json.dumps({**whole, MARK: MARK * 1000}).encode(),
        b"[" * 100_000,
        b" " * (LARGEST_ENVELOPE + 1),
        pickle.dumps(print),
        b"!!python/object/apply:os.system [true]",
        b"",
    ]
    for message in messages:
        assert type_of(message).endswith(SignatureError.__name__), message[:100]


def test_a_message_that_nobody_signed_writes_short_lines_into_the_log(
    task: TaskSpec, caplog: pytest.LogCaptureFixture
) -> None:
    body: dict[str, Any] = json.loads(task.model_dump_json())
    hostile = [
        {**body, "arguments": {"X": {"type": f"\n{MARK}" * 10_000}}},
        {**body, "context": f"\n{MARK}" * 10_000},
        {**body, f"\n{MARK}" * 1000: 1},
        {**body, "id": f"\n{MARK}" * 1000},
    ]
    with caplog.at_level(logging.WARNING, "omcore"):
        for spec in hostile:
            refusal(json.dumps({"spec": json.dumps(spec), "signature": {"key": f"\n{MARK}" * 1000}}).encode())
    for record in caplog.records:
        assert "\n" not in record.getMessage()
        assert len(record.getMessage()) < 1000


def test_a_durable_task_that_is_replayed_runs_once(omega: Omega, task: TaskSpec) -> None:
    omega.datasets.put([[1.0], [2.0]], "x")
    handle = omega.runtime.mode(local=True).model("line").fit([[1.0], [2.0]], [1.0, 2.0])
    assert handle.get().version == 2
    envelope = omega.context.records.envelope(handle.id)
    for _ in range(3):
        outcome = Outcome.load(worker.execute(envelope))
        assert outcome == worker.run_here(SealedTask(envelope).open(omega.context.auth), omega)
        assert outcome.state is State.SUCCESS
    assert omega.models.metadata("line").version == 2

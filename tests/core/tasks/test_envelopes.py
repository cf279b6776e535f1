"""A worker runs only tasks that are whole, fresh, and signed with a key its context lists."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import SignatureError
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.task import LARGEST_ENVELOPE, PURPOSE, JsonValue, PinValue, TaskSpec, new_id
from omcore.signing import Key, KeyRing

KEY = Key.of(b"a key that is long enough")
OTHER = Key.of(b"another key, just as long")
RING = KeyRing(KEY)


def a_task(**changes: object) -> TaskSpec:
    model = PinValue(store="models", name="m", version=3, id="f" * 64)
    fields: dict[str, object] = {
        "id": new_id(),
        "context": "dev",
        "fingerprint": "0" * 32,
        "bucket": "omega",
        "proxy": "model",
        "object": model,
        "action": "predict",
        "arguments": {"X": JsonValue(value=1)},
        "submitted": 1.0,
    }
    return TaskSpec.model_validate({**fields, **changes})


def test_a_signed_task_comes_back_as_it_was_sealed() -> None:
    task = a_task(arguments={"n": JsonValue(value=None), "text": JsonValue(value="ü\N{SNOWMAN}")}, require=("gpu",))
    envelope = task.seal(RING)
    assert envelope.isascii()
    assert SealedTask(envelope).open(RING) == task


def test_a_key_that_the_ring_accepts_may_sign_though_it_is_not_its_own() -> None:
    task = a_task()
    assert SealedTask(task.seal(KeyRing(OTHER))).open(KeyRing(KEY, [OTHER])) == task


@pytest.mark.parametrize("signer", [KeyRing(), KeyRing(OTHER)], ids=["unsigned", "foreign"])
def test_a_task_without_an_accepted_signature_is_refused(signer: KeyRing) -> None:
    with pytest.raises(SignatureError, match="give the client the same signing_key"):
        SealedTask(a_task().seal(signer)).open(RING)


def test_a_signature_for_something_else_is_none_for_a_task() -> None:
    text = a_task().model_dump_json()
    envelope = json.dumps({"spec": text, "signature": RING.sign("version", text.encode())}).encode()
    with pytest.raises(SignatureError):
        SealedTask(envelope).open(RING)
    resigned = json.dumps({"spec": text, "signature": RING.sign(PURPOSE, text.encode())}).encode()
    SealedTask(resigned).open(RING)


@given(st.data())
def test_no_altered_byte_goes_unnoticed(data: st.DataObject) -> None:
    task = a_task()
    envelope = bytearray(task.seal(RING))
    at = data.draw(st.integers(0, len(envelope) - 1))
    envelope[at] ^= data.draw(st.integers(1, 255))
    try:
        opened = SealedTask(bytes(envelope)).open(RING)
    except SignatureError:
        return
    assert opened == task, "an altered envelope was opened as another task"


def test_an_expired_task_is_refused() -> None:
    envelope = a_task(expires=100.0).seal(RING)
    SealedTask(envelope).open(RING, now=99.0)
    with pytest.raises(SignatureError, match="expired"):
        SealedTask(envelope).open(RING, now=101.0)


@given(st.binary(max_size=300))
def test_junk_is_refused_and_never_crashes(junk: bytes) -> None:
    with pytest.raises(SignatureError):
        SealedTask(junk)


@pytest.mark.parametrize(
    "envelope",
    [
        b"[" * 100_000,
        b'{"spec": ' + b"[" * 50_000 + b"]" * 50_000 + b', "signature": {}}',
        json.dumps({"spec": "[" * 50_000, "signature": {}}).encode(),
        b" " * (LARGEST_ENVELOPE + 1),
    ],
    ids=["unclosed", "deep", "deep inside", "huge"],
)
def test_deep_and_huge_messages_are_refused(envelope: bytes) -> None:
    with pytest.raises(SignatureError):
        SealedTask(envelope)


def test_a_refusal_does_not_repeat_what_the_message_held() -> None:
    body = a_task().model_dump(mode="json") | {"hunter2": "hunter2"}
    with pytest.raises(SignatureError) as refused:
        SealedTask(json.dumps({"spec": json.dumps(body), "signature": {}}).encode())
    assert "a message that is no task" in str(refused.value)


def test_a_ring_without_keys_opens_any_task() -> None:
    task = a_task()
    assert SealedTask(task.seal(KeyRing())).open(KeyRing()) == task

"""X9: whatever comes to a worker's door that no accepted key has signed is not run, and the worker stays up."""

from __future__ import annotations

import json
import os
import pickle
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

import omcore
from omcore.errors import SignatureError
from omcore.runtimes.backend import Delivery
from omcore.runtimes.task import LARGEST_ENVELOPE, Outcome, PinValue, State, TaskSpec, new_id
from omcore.signing import Key, KeyRing

from .harness import opened, put_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega

TOUCH = """
import os
def run(om, path):
    with open(path, "a") as file:
        file.write("x")
    return os.getpid()
"""
KINDS = ("pickle", "yaml", "unsigned", "altered", "expired", "replayed", "foreign", "huge", "deep")


class Touching:
    """A pickle of it touches a file where it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return os.open, (os.fspath(self._path), os.O_WRONLY | os.O_CREAT)


@pytest.fixture
def om(tmp_path: Path) -> Iterator[Omega]:
    with opened(tmp_path, workers=1) as om:
        put_script(om, tmp_path, "touch", TOUCH)
        yield om


def spec_of(om: Omega, path: Path, **changes: Any) -> TaskSpec:
    pin = om.scripts.pin("touch").pin
    fields: dict[str, Any] = {
        "id": new_id(),
        "context": om.context.settings.name,
        "fingerprint": om.context.fingerprint,
        "bucket": om.bucket,
        "proxy": "script",
        "object": PinValue(store="scripts", name="touch", version=pin.version, id=pin.id),
        "action": "run",
        "arguments": {"path": om.context.values.encode(str(path))},
        "submitted": time.time(),
        **changes,
    }
    return TaskSpec.model_validate(fields)


def sender(om: Omega, path: Path, chance: random.Random) -> dict[str, Callable[[], bytes]]:
    """Makes messages of every hostile kind; each would touch the file if it were run."""
    keys = om.context.auth
    foreign = KeyRing(Key.of(b"a key that nobody lists here"))

    def altered() -> bytes:
        whole = json.loads(spec_of(om, path).seal(keys))
        changes = [('"action":"run"', '"action":"run "'), ('"durable":false', '"durable":true'), ("touched", "touch")]
        old, new = chance.choice(changes)
        return json.dumps({**whole, "spec": whole["spec"].replace(old, new)}).encode()

    def replayed() -> bytes:
        """The signature of another task."""
        other = json.loads(spec_of(om, path.with_name("other")).seal(keys))
        return json.dumps({**json.loads(spec_of(om, path).seal(keys)), "signature": other["signature"]}).encode()

    openings = [b"[", b'{"spec":', b'{"signature":{"key":']
    return {
        "pickle": lambda: pickle.dumps(Touching(path), chance.randint(0, 5)),
        "yaml": lambda: f"!!python/object/apply:os.system ['touch {path}']".encode(),
        "unsigned": lambda: spec_of(om, path).seal(KeyRing()),
        "altered": altered,
        "expired": lambda: spec_of(om, path, expires=time.time() - chance.uniform(0.001, 1e6)).seal(keys),
        "replayed": replayed,
        "foreign": lambda: spec_of(om, path).seal(foreign),
        "huge": lambda: spec_of(om, path).seal(keys).ljust(LARGEST_ENVELOPE + chance.randint(1, 100)),
        "deep": lambda: chance.choice(openings) * 50_000,
    }


def send(om: Omega, envelope: bytes) -> Outcome:
    """What a worker process says to a message."""
    handle = om.runtime.backend.submit(Delivery(new_id(), envelope))
    assert handle.wait(100)
    return Outcome.load(handle.outcome())


def executed(om: Omega, folder: Path, kind: str, number: int) -> int:
    """How many of so many messages of a kind were run, or met with anything but a refusal."""
    path = folder / "touched"
    make = sender(om, path, random.Random(kind))[kind]
    wrong = 0
    for _ in range(number):
        outcome = send(om, make())
        refused = outcome.error is not None and outcome.error.type.endswith(SignatureError.__name__)
        wrong += not refused or path.exists()
    return wrong


def test_the_harness_catches_workers_that_believe_everybody(tmp_path: Path) -> None:
    with opened(tmp_path, workers=1, defect="believes_everybody") as om:
        put_script(om, tmp_path, "touch", TOUCH)
        for kind in ("unsigned", "altered", "expired", "replayed", "foreign"):
            assert executed(om, tmp_path, kind, 2) > 0


def test_nothing_hostile_is_run_and_the_worker_stays_up(om: Omega, tmp_path: Path, scale: int) -> None:
    before = om.runtime.script("touch").run(str(tmp_path / "fine")).get()
    number = 20 * scale
    wrong = {kind: executed(om, tmp_path, kind, number) for kind in KINDS}
    assert wrong == dict.fromkeys(KINDS, 0)
    assert om.runtime.script("touch").run(str(tmp_path / "fine")).get() == before
    print(f"{number} messages of each of {len(KINDS)} kinds: none run, and the worker stayed up")


def test_a_light_task_that_is_replayed_is_answered_and_not_run_again(om: Omega, tmp_path: Path) -> None:
    path = tmp_path / "touched"
    envelope = spec_of(om, path).seal(om.context.auth)
    answers = {send(om, envelope).dump() for _ in range(5)}
    assert len(answers) == 1
    assert path.read_text() == "x"


# --- keys that change

KEYS = {"old": "0123456789abcdef-old", "new": "0123456789abcdef-new"}


def context_of(folder: Path, own: str, *accepted: str) -> Omega:
    """The same storage with other keys, and workers of its own."""
    listed = ", ".join(f'"{KEYS[key]}"' for key in accepted)
    config = folder / f"{own}-{len(accepted)}.toml"
    storage = f'{{ backend = "embedded", durability = "process", path = "{folder / "store"}" }}'
    runtime = '{ backend = "local", workers = 1, shared = false }'
    config.write_text(
        f"[contexts.default]\nstorage = {storage}\nruntime = {runtime}\n"
        f'signing_key = "{KEYS[own]}"\ntrust = {{ keys = [{listed}] }}\n'
    )
    return omcore.setup(config=config)


def test_an_old_key_is_accepted_while_it_is_listed_and_refused_afterwards(tmp_path: Path) -> None:
    with context_of(tmp_path, "old") as before, context_of(tmp_path, "new", "old") as both:
        put_script(before, tmp_path, "touch", TOUCH)
        for number, signer in enumerate((before, both)):
            envelope = spec_of(before, tmp_path / f"touched-{number}").seal(signer.context.auth)
            assert send(both, envelope).state is State.SUCCESS
        with context_of(tmp_path, "new") as after:
            put_script(after, tmp_path, "touch", TOUCH)
            old = spec_of(after, tmp_path / "touched-2").seal(before.context.auth)
            refused = send(after, old)
            assert refused.error is not None
            assert refused.error.type.endswith(SignatureError.__name__)
            new = spec_of(after, tmp_path / "touched-3").seal(both.context.auth)
            assert send(after, new).state is State.SUCCESS
    assert sorted(path.name for path in tmp_path.glob("touched-*")) == ["touched-0", "touched-1", "touched-3"]

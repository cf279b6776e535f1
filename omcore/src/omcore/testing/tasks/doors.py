"""Promises about what a worker takes: only what the context signed, whoever else can write to the engine."""

from __future__ import annotations

import json
import pickle
import time
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import EnvironmentMismatchError, TaskFailedError
from omcore.runtimes.backend import Delivery
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.environment import here
from omcore.runtimes.task import LARGEST_ENVELOPE, Outcome, State, new_id
from omcore.signing import Key, KeyRing
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.runtimes.task import TaskSpec
    from omcore.testing.runtime.fixtures import Stage

STRANGER = KeyRing(Key.of(b"a key that no context of the kit lists"))


JUNK: dict[str, bytes] = {
    "a pickle": json.dumps({"spec": pickle.dumps(print, 0).decode(), "signature": {}}).encode(),
    "no task": b'{"spec": "{}", "signature": {}}',
    "no object": b"null",
    "deep": b"[" * 100_000,
    "huge": b'"' + b"x" * LARGEST_ENVELOPE + b'"',
    "empty": b"",
}
"""What is no task at all. All of it is ASCII, which is what an engine has to carry."""


def _forged(how: str, spec: TaskSpec, keys: KeyRing) -> bytes:
    """A task that the context does not want run, as somebody might put it into the queue."""
    envelope = json.loads(spec.seal(keys))
    altered = envelope["spec"].replace('"durable":false', '"durable":true')
    forged = {
        "unsigned": lambda: spec.seal(KeyRing()),
        "without its signature": lambda: json.dumps({**envelope, "signature": {}}).encode(),
        "altered": lambda: json.dumps({**envelope, "spec": altered}).encode(),
        "expired": lambda: spec.model_copy(update={"expires": time.time() - 1}).seal(keys),
        "signed by a stranger": lambda: spec.seal(STRANGER),
        "of another context": lambda: spec.model_copy(update={"fingerprint": "0" * 32}).seal(keys),
    }
    return forged[how]()


FORGERIES = ("unsigned", "without its signature", "altered", "expired", "signed by a stranger", "of another context")


class DoorPromises(TaskKit):
    """What a worker refuses."""

    @pytest.mark.parametrize("message", [*FORGERIES, *JUNK])
    def test_what_the_context_did_not_sign_is_refused(self, om: Omega, stage: Stage, message: str) -> None:
        """If this fails, check that workers hand every message to `omcore.worker.execute`, unread and whole."""
        before = self.predict(self.light(om), "note", folder=str(stage.folder), name="a").get(self.patience)
        spec = self._task(om, stage)
        delivery = Delivery(
            spec.id, JUNK[message] if message in JUNK else _forged(message, spec, om.runtime.auth), frozenset({"gpu"})
        )
        handle = om.runtime.backend.submit(delivery)
        assert handle.wait(self.patience), "a message that is refused has no outcome"
        outcome = Outcome.load(handle.outcome())
        assert outcome.state is State.FAILURE
        assert outcome.error is not None
        assert outcome.error.type.rpartition(".")[2] in {"SignatureError", "ContextNotFoundError"}
        after = self.predict(self.light(om), "note", folder=str(stage.folder), name="a").get(self.patience)
        assert before == after, "the worker did not survive the message"
        assert not stage.started("forged")
        assert self.versions(om) == 0

    def test_a_message_that_is_replayed_under_another_id_is_refused(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that workers hand every message to `omcore.worker.execute`, unread and whole."""
        done = self.run(om.runtime, "note", folder=str(stage.folder), name="a")
        done.get(self.patience)
        another = new_id()
        envelope = om.context.records.envelope(done.id).replace(done.id.encode(), another.encode())
        handle = om.runtime.backend.submit(Delivery(another, envelope))
        assert handle.wait(self.patience)
        assert Outcome.load(handle.outcome()).state is State.FAILURE
        assert len(stage.started("a")) == 1
        assert self.versions(om) == 1

    def test_a_model_of_other_versions_is_refused_where_the_rule_says_so(self, om: Omega) -> None:
        """If this fails, check that the worker's outcome, which holds the error as data, comes back as it is."""
        draft = om.models.stage(
            om.models.get("actor"), "actor", provenance={"environment": {**here(), "scikit-learn": "0.1.0"}}
        )
        om.context.storage.commit(om.models.plan(draft).changes)
        model: Any = self.light(om).environment("refuse").model("actor")
        for submit in (model.fit, model.predict):
            handle = submit({"do": "give"})
            with pytest.raises(TaskFailedError, match=r"scikit-learn 0\.1\.0 at fit") as caught:
                handle.get(self.patience)
            assert type(caught.value.__cause__) is EnvironmentMismatchError
        assert om.models.metadata("actor").version == 2
        with pytest.warns(match=r"scikit-learn 0\.1\.0 at fit"):
            assert self.predict(self.light(om).environment("warn"), "give", value=1).get(self.patience) == 1

    def _task(self, om: Omega, stage: Stage) -> TaskSpec:
        """A task that would leave a trace if it were run."""
        known = self.run(
            om.runtime.require("nobody-offers-this").wait(), "note", folder=str(stage.folder), name="forged"
        )
        spec = SealedTask(om.context.records.envelope(known.id)).unverified
        known.cancel()
        return spec.model_copy(update={"id": new_id(), "durable": False, "require": ("gpu",)})

"""Promises about what a task does: all of it once, visible together, however often its message arrives."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import InvalidArgumentError, TaskNotFoundError
from omcore.runtimes.backend import Delivery
from omcore.runtimes.task import State
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.storage.backend import StorageBackend
    from omcore.testing.runtime.fixtures import Stage

MANY = 20
SIZES = (0, 5_000, 300_000)
CALLS = ("get_record", "get_records", "find_records", "commit", "write_blob", "open_blob", "has_blob", "have_blobs")
"""The calls that reach a storage."""


class EffectPromises(TaskKit):
    """What a task leaves behind."""

    def test_the_version_and_the_outcome_of_a_task_appear_together(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a worker returns what `execute` gave it, and that no handle is final before."""
        handle = self.hold(om.runtime, stage, "a")
        assert not handle.wait(0)
        self.until(lambda: stage.started("a"), "the task is never started")
        assert (handle.status, self.versions(om)) == (State.STARTED, 0)
        assert not handle.wait(0)
        stage.release("a")
        while not handle.status.final:
            assert self.versions(om) == 0 or handle.status.final, "a version is there before its task has ended"
            handle.wait(0.01)
        assert (handle.status, self.versions(om)) == (State.SUCCESS, 1)
        stored = handle.get()
        assert (stored.version, stored.provenance["task"]) == (1, handle.id)
        assert len(stage.started("a")) == 1

    def test_a_model_that_is_fitted_is_a_new_version(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a worker returns what `execute` gave it, and that it may import scikit-learn."""
        model: Any = self.light(om).model("actor")
        stored = model.fit({"do": "note", "folder": str(stage.folder), "name": "a"}).get(self.patience)
        assert (stored.store, stored.version) == ("models", 2)
        assert om.models.get("actor").done_ in stage.started("a")

    def test_many_tasks_are_run_once_each(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that every delivery reaches one worker, and that the handle hears of its end."""
        names = [f"task-{number}" for number in range(MANY)]
        handles = [self.run(om.runtime, "note", folder=str(stage.folder), name=name) for name in names]
        assert {self.settled(handle) for handle in handles} == {State.SUCCESS}
        assert [len(stage.started(name)) for name in names] == [1] * MANY
        assert len({handle.get().version for handle in handles}) == MANY
        assert self.versions(om) == MANY

    def test_a_message_that_comes_again_while_its_task_runs_has_no_effect(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that workers call `omcore.worker.execute`, which claims a task before it runs it."""
        handle = self.held(om.runtime, stage, "a")
        self._deliver_again(om, handle)
        self.check_that_it_serves(om)
        before = self.versions(om)
        assert len(stage.started("a")) == 1
        stage.release("a")
        assert self.settled(handle) is State.SUCCESS
        self.check_that_it_serves(om)
        assert len(stage.started("a")) == 1
        assert self.versions(om) == before + 2

    def test_a_message_that_comes_again_after_its_task_has_ended_has_no_effect(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that workers call `omcore.worker.execute`, and change no record themselves."""
        handle = self.run(om.runtime, "note", folder=str(stage.folder), name="a")
        stored = handle.get(self.patience)
        self._deliver_again(om, handle)
        self.check_that_it_serves(om)
        assert len(stage.started("a")) == 1
        assert {told.get().version for told in (handle, om.runtime.task(handle.id))} == {stored.version}
        assert self.versions(om) == 2

    def test_a_call_that_is_repeated_with_its_key_is_one_task(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a task that is known is neither delivered nor refused again by the runtime."""
        scope = om.runtime.idempotent("nightly")
        first = self.held(scope, stage, "a")
        again = self.hold(scope, stage, "a")
        stage.release("a")
        assert again.get(self.patience) == first.get(self.patience)
        last = self.hold(scope, stage, "a")
        assert {first.id, again.id} == {last.id}
        assert last.status is State.SUCCESS
        assert len(stage.started("a")) == 1
        with pytest.raises(InvalidArgumentError, match="give each call its own key"):
            self.hold(scope, stage, "b")

    @pytest.mark.parametrize("size", SIZES)
    def test_a_value_of_any_size_comes_back_whole(self, om: Omega, size: int) -> None:
        """If this fails, check the limits of your transport on the size of an outcome, and that it is not cut."""
        for scope in (self.light(om), self.light(om).durable()):
            assert self.predict(scope, "give", size=size).get(self.patience) == "é" * size

    def test_a_light_task_leaves_nothing_in_the_store(self, om: Omega) -> None:
        """If this fails, check that the runtime keeps the outcomes of light tasks itself, outside the store."""
        self.predict(self.light(om), "give", value=0).get(self.patience)
        before = _records(om.context.storage)
        handle = self.predict(self.light(om), "give", value=1)
        assert handle.get(self.patience) == 1
        assert _records(om.context.storage) == before
        with pytest.raises(TaskNotFoundError, match="durable"):
            om.runtime.task(handle.id)

    def test_a_light_task_reads_one_record_in_its_client(self, om: Omega, monkeypatch: pytest.MonkeyPatch) -> None:
        """If this fails, check that neither `submit`, `serves` nor the handle looks into the store."""
        for _ in range(3):  # also where several workers are warmed
            self.predict(self.light(om), "give", value=0).get(self.patience)
        calls = _counted(om.context.storage, monkeypatch)
        self.predict(self.light(om), "give", value=1).get(self.patience)
        assert calls == {"get_record": 1}

    def _deliver_again(self, om: Omega, handle: Handle) -> None:
        """Hand the message of a task to the engine three times more."""
        delivery = Delivery(handle.id, om.context.records.envelope(handle.id))
        for _ in range(3):
            om.runtime.backend.submit(delivery)


def _records(storage: StorageBackend) -> dict[str, str]:
    """The key and the revision of every record, save those by which clients say that they live."""
    return {record.key: record.revision for record in _scanned(storage) if not record.key.startswith("sessions/")}


def _scanned(storage: StorageBackend) -> Iterator[Any]:
    return storage.scan_records("", None, ())


def _counted(storage: StorageBackend, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often this thread calls each method of the storage from now on."""
    calls: Counter[str] = Counter()
    thread = threading.current_thread()

    def count(name: str) -> None:
        original = getattr(storage, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is thread:
                calls[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(storage, name, counting)

    for name in CALLS:
        count(name)
    return calls

"""Tasks in a storage in memory, under a clock that goes on when it is told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from omcore.runtimes.claims import Claim
from omcore.runtimes.records import TaskRecords
from omcore.runtimes.task import PinValue, TaskSpec, new_id
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage

from .world import START, Clock


class Submit(Protocol):
    def __call__(self, publisher: str = "client", **changes: Any) -> str: ...


class Take(Protocol):
    def __call__(self, task_id: str, worker: str = "here:1") -> Claim: ...


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage(MemoryOptions(), Place("dev", Path("unused")))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(storage: MemoryStorage, clock: Clock) -> TaskRecords:
    return TaskRecords(storage, clock)


@pytest.fixture
def submit(records: TaskRecords) -> Submit:
    """Makes the record of a task that a publisher is about to hand to an engine; gives its id."""

    def submit(publisher: str = "client", **changes: Any) -> str:
        fields: dict[str, Any] = {
            "id": new_id(),
            "context": "dev",
            "fingerprint": "0",
            "bucket": "omega",
            "proxy": "model",
            "object": PinValue(store="models", name="m", version=1, id="0"),
            "action": "fit",
            "arguments": {},
            "submitted": START,
            "durable": True,
            **changes,
        }
        spec = TaskSpec.model_validate(fields)
        records.create(spec, b"{}", publisher)
        return spec.id

    return submit


@pytest.fixture
def take(records: TaskRecords) -> Take:
    """Has a worker claim a task that waits."""

    def take(task_id: str, worker: str = "here:1") -> Claim:
        claim = records.claim(task_id, worker)
        assert isinstance(claim, Claim)
        return claim

    return take

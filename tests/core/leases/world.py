"""A world of tasks: a storage with their records, the model, and the clients and workers that there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from omcore.runtimes.records import TaskRecords
from omcore.runtimes.sessions import Session
from omcore.runtimes.task import PinValue, State, TaskSpec
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.claims import Claim
    from omcore.storage.backend import Record, StorageBackend

    from .model import Limits, Task

START = 1_000_000.0


class Clock:
    """The time, which goes on when it is told to."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time


class Attempt(NamedTuple):
    """A worker that has claimed a task."""

    number: int
    claim: Claim


class World:
    """Some tasks in a storage and in the model, with everybody who has to do with them; and what holds at all times."""

    def __init__(self, kind: Callable[[StorageBackend, Clock], TaskRecords] = TaskRecords) -> None:
        self.clock = Clock()
        self.storage = MemoryStorage(MemoryOptions(), Place("dev", Path("unused")))
        self.records = kind(self.storage, self.clock)
        self.sessions = [Session(self.storage, self.clock) for _ in range(2)]
        self.present = [False, False]
        self.tasks: dict[str, Task] = {}
        self.specs: dict[str, TaskSpec] = {}
        self.attempts: dict[str, list[Attempt]] = {}
        self.seen: dict[str, tuple[Record, frozenset[str]]] = {}
        self.final: dict[str, State] = {}
        self.made = 0

    def enter(self, which: int) -> str:
        """The id of a client, which is there from now on."""
        number = which % len(self.sessions)
        self.present[number] = True
        self.sessions[number].beat()
        return self.sessions[number].id

    def compare(self) -> None:
        for task_id, task in self.tasks.items():
            body = self.records.record(task_id).body
            assert body["deaths"] <= task.limits.deliveries, f"{task_id} was given to more workers than it may be"
            assert (body["state"], body["attempt"]) == (task.state, task.attempt), task_id
            assert (body["deaths"], body["failures"]) == (task.deaths, task.failures), task_id
            results = [record.key for record in self.storage.find_records(f"results/{task_id}/")]
            assert results == task.results, f"{task_id} made visible {results}"
            assert len(results) == (task.state is State.SUCCESS)
            assert sum(self.records.holds(each.claim) for each in self.attempts[task_id]) <= 1
            self._is_final_once(task_id)

    def _is_final_once(self, task_id: str) -> None:
        """What anybody was told to be the end stays the end; asking ends what is over."""
        task = self.tasks[task_id]
        told = self.records.state(task_id)
        if task_id in self.final:
            assert told is self.final[task_id], f"{task_id} has ended with {self.final[task_id]}, and now is {told}"
        elif told.final:
            self.final[task_id] = told
            task.end_if_over(self.clock.time)
            assert told is task.state

    def some(self, which: int) -> list[str]:
        """The task with this number, if there are any."""
        return [list(self.tasks)[which % len(self.tasks)]] if self.tasks else []

    def worker(self, which: int) -> list[tuple[Task, Attempt]]:
        """The latest attempt of the task with this number, if there is one."""
        return [(self.tasks[task_id], each) for task_id in self.some(which) for each in self.attempts[task_id][-1:]]


def spec_of(number: int, limits: Limits, now: float) -> TaskSpec:
    return TaskSpec(
        id=f"{number:032x}",
        context="dev",
        fingerprint="0",
        bucket="omega",
        proxy="model",
        object=PinValue(store="models", name="m", version=1, id="0"),
        action="fit",
        arguments={},
        durable=True,
        submitted=now,
        timeout=limits.timeout,
        start_timeout=limits.start,
        deadline=None if limits.total is None else now + limits.total,
        lease=limits.lease,
        deliveries=limits.deliveries,
    )

"""Promises about errors: whatever a task ends with, its caller is told what it was, and the worker lives on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.exceptions import NotFittedError

from omcore.errors import RemoteError, TaskError, TaskFailedError, TaskLostError
from omcore.runtimes.task import State
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.testing.runtime.fixtures import Stage

RAISED: dict[str, tuple[type[BaseException], str]] = {
    "noted": (ValueError, "the value is wrong: é"),
    "key": (KeyError, "a key"),
    "memory": (MemoryError, "no more of it"),
    "not fitted": (NotFittedError, "this one is not fitted"),
    "unpicklable": (RemoteError, "cannot be pickled"),
    "exit": (RemoteError, "ended the process with"),
    "group": (ExceptionGroup, "two at once"),
}
"""What an action raises, and what its caller gets: the class where that is known, and the text."""


class ErrorPromises(TaskKit):
    """What became of a task that went wrong."""

    @pytest.mark.parametrize("kind", RAISED)
    def test_an_error_comes_back_as_what_it_was(self, om: Omega, kind: str) -> None:
        """If this fails, check that the worker's outcome, which holds the error as data, comes back as it is."""
        expected, text = RAISED[kind]
        for handle in (self.predict(self.light(om), "err", kind=kind), self.run(om.runtime, "err", kind=kind)):
            error = self._failure(handle)
            assert type(error.__cause__) is expected
            assert text in str(error)
            assert handle.status is State.FAILURE
        assert self.versions(om) == 0

    def test_an_error_comes_with_its_notes_and_where_it_was_raised(self, om: Omega) -> None:
        """If this fails, check that the worker's outcome, which holds the error as data, comes back as it is."""
        handle = self.run(om.runtime, "err", kind="noted")
        for told in (handle, om.runtime.task(handle.id)):
            error = self._failure(told)
            assert error.__notes__ == ["it was like that when I came"]
            assert "in err" in error.remote_traceback
            assert "acts.py" in error.remote_traceback

    @pytest.mark.parametrize("how", ["segfault", "exit", "kill"])
    def test_a_task_that_ends_its_process_is_lost_and_costs_nobody_else(
        self, om: Omega, stage: Stage, how: str
    ) -> None:
        """If this fails, check that the death of a worker ends its task, and that another worker takes its place."""
        self.needs_processes()
        self.spare(om, stage)
        self.with_actor(om, task={"deliveries": 1})
        order: dict[str, Any] = {"folder": str(stage.folder), "name": "a", "how": how, "spare": os.getpid()}
        handle = self.run(om.runtime, "end", **order)
        other = self.run(om.runtime, "give", value=1)
        with pytest.raises(TaskLostError):
            handle.get(self.patience)
        assert handle.status is State.LOST
        assert len(stage.started("a")) == 1
        assert self.settled(other) is State.SUCCESS
        self.check_that_it_serves(om)

    def test_a_task_that_takes_more_memory_than_it_may_is_told_so(self, om: Omega) -> None:
        """If this fails, check that a worker that is a process runs nothing but its task: then it can be held to it."""
        handle = self.run(om.runtime.memory("200MiB"), "eat", size=2 << 30)
        with pytest.raises(TaskError, match="memory" if self.workers_are_processes else "workers are processes"):
            handle.get(self.patience)
        assert self.versions(om) == 0
        self.check_that_it_serves(om)

    def _failure(self, handle: Handle) -> TaskFailedError:
        with pytest.raises(TaskFailedError) as caught:
            handle.get(self.patience)
        return caught.value

"""Mistakes in the form of a runtime, in what it gives its workers, and in how it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from omcore.errors import TaskError, TaskLostError
from omcore.runtimes.jobs import Job
from omcore.testing.runtime.saboteurs.base import Saboteur

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.runtimes.backend import Delivery, EngineHandle, WorkerEntry
    from omcore.storage.backend import Place


class InheritsItsVersion(Saboteur):
    """Would be of every version of the contract."""

    caught_by = "test_it_is_a_runtime_of_this_contract"


class TakesAnyOption(Saboteur):
    """Has options that forbid nothing."""

    caught_by = "test_its_options_refuse_what_they_do_not_know"

    class Options(BaseModel):
        """Takes any key."""


class PreparesNobody(Saboteur):
    """Forgets `prepare`."""

    caught_by = "test_a_worker_is_prepared_before_its_first_task"

    def __init__(
        self, options: Any, place: Place, worker: WorkerEntry, labels: Mapping[str, Mapping[str, Any]]
    ) -> None:
        super().__init__(options, place, replace(worker, prepare=print), labels)


class TellsTheWorld(Saboteur):
    """Hands the contexts over on a command line."""

    caught_by = "test_the_contexts_show_in_no_command_line_and_no_environment"
    helper: ClassVar[str] = "import sys; sys.stdin.read()"

    def __init__(
        self, options: Any, place: Place, worker: WorkerEntry, labels: Mapping[str, Mapping[str, Any]]
    ) -> None:
        super().__init__(options, place, worker, labels)
        command = [sys.executable, "-c", self.helper, worker.contexts.decode()]
        self._helper = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - it reads nothing but its input

    def close(self) -> None:
        self._helper.communicate()
        super().close()


class ClosesOnce(Saboteur):
    """Does not remember that it is closed."""

    caught_by = "test_closing_twice_is_harmless"
    closed = False

    def close(self) -> None:
        if self.closed:
            raise TaskError("there is nothing to close")
        self.closed = True
        super().close()


class ClosesWhatItUsed(Saboteur):
    """Relies on a first task."""

    caught_by = "test_what_was_never_used_can_be_closed"

    def close(self) -> None:
        pool = self._pools.popitem()[1]
        pool.close()


class TakesWhatNobodyRuns(Saboteur):
    """Puts what comes late into a queue without workers."""

    caught_by = "test_nothing_is_taken_after_closing"

    def submit(self, delivery: Delivery) -> EngineHandle:
        return Job(delivery) if self._pool._closed else super().submit(delivery)


class WaitsWhenItCloses(Saboteur):
    """Lets everything run to its end before it closes."""

    caught_by = "test_closing_ends_what_does_not_survive_it"

    def close(self) -> None:
        for job in list(self._pool._open):
            job.wait(None)
        super().close()


class SaysLostTooEarly(Saboteur):
    """Ends its handles first, and its workers when it gets round to it."""

    caught_by = "test_what_is_lost_runs_no_more"

    def close(self) -> None:
        jobs = list(self._pool._open)
        for job in jobs:
            job.end(TaskLostError(f"task {job.id} was lost", job.id))
        if jobs:
            threading.Event().wait(0.5)
        super().close()


class LeavesHandlesOpen(Saboteur):
    """Ends its workers, and tells no handle."""

    caught_by = "test_closing_ends_what_does_not_survive_it"

    def close(self) -> None:
        for job in self._pool._open:
            job.end = lambda result: None  # type: ignore[method-assign]  # noqa: ARG005 - that is the mistake
        super().close()

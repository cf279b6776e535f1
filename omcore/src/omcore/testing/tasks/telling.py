"""Promises about what a task says: it is in the task's log, while it runs and afterwards, for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.task import State
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.testing.runtime.fixtures import Stage


@pytest.mark.filterwarnings("default:warned of")
class TellingPromises(TaskKit):
    """The log of a task."""

    @property
    def said(self) -> tuple[str, ...]:
        """What is in the log of a task that says `one`; pytest takes the warnings of its own process to itself."""
        printed = ("printed one", "complained one", "logged one")
        return (*printed, "warned of one") if self.workers_are_processes else printed

    @pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
    def test_what_a_task_prints_logs_and_warns_of_is_in_its_log(self, om: Omega, *, durable: bool) -> None:
        """If this fails, check that the runtime leaves the standard streams of its workers as `execute` set them."""
        scope = self.light(om).durable() if durable else self.light(om)
        handle = self.predict(scope, "say", text="one")
        other = self.predict(scope, "say", text="two")
        for each in (handle, other):
            each.get(self.patience)
        assert [text for text in self.said if text not in handle.logs()] == []
        assert "two" not in handle.logs()
        assert handle.status is State.SUCCESS

    def test_the_log_can_be_followed_while_the_task_runs(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that the worker's process has room for the thread that writes the log to the store."""
        handle = self.run(om.runtime, "say_and_hold", text="one", folder=str(stage.folder), name="a")
        pieces = handle.logs(follow=True)
        said = next(pieces)
        while not all(text in said for text in self.said):
            said += next(pieces)
        assert not handle.ready()
        assert "ended one" not in said
        stage.release("a")
        assert "ended one" in said + "".join(pieces)
        assert handle.status is State.SUCCESS
        assert om.runtime.task(handle.id).logs() == handle.logs()

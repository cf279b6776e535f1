"""Promises about clients: they come and go, and a task that one of them submitted is everybody's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from omcore.errors import OmError
from omcore.runtimes.task import State
from omcore.storage.backend import Delete
from omcore.testing.runtime.fixtures import PLAIN
from omcore.testing.tasks.fixtures import BRIEF, MADE, TaskKit

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.testing.runtime.fixtures import Stage
    from omcore.testing.tasks.contexts import OpenContext


class ClientPromises(TaskKit):
    """Who may ask for a task, and what becomes of it when its client goes."""

    def test_a_task_is_found_by_its_id_from_another_process(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that the runtime leaves the records of tasks alone."""
        with self.visitor(om) as visitor:
            handle = self.held(om.runtime, stage, "a")
            assert visitor.ask("status", task=handle.id) == "STARTED"
            stage.release("a")
            kind, text = visitor.ask("get", task=handle.id, timeout=self.patience)
            assert (kind, text) == ("Metadata", str(handle.get(self.patience)))
            failed = self.run(om.runtime, "err", kind="noted")
            kind, text = visitor.ask("get", task=failed.id, timeout=self.patience)
            assert (kind, "the value is wrong: é" in text) == ("TaskFailedError", True)
            assert visitor.ask("status", task=failed.id) == "FAILURE"
            visitor.leave()

    def test_tasks_of_a_client_that_was_killed_end_all_the_same(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a worker of a client that died ends, or goes on and ends its task."""
        orders = [{"do": "hold", "folder": str(stage.folder), "name": f"task-{number}"} for number in range(3)]
        with self.visitor(om) as visitor:
            tasks = visitor.ask("submit", orders=orders, heartbeat=BRIEF)
            self.until(lambda: stage.started("task-0"), "the first task is never started")
            visitor.kill()
            self._time_passes(om, visitor.process.pid)
        stage.release_all()
        handles = [om.runtime.task(task) for task in tasks]
        assert [self.settled(handle) for handle in handles] == [State.SUCCESS] * 3
        assert self.versions(om) == 3
        stored = {version.provenance.get("task") for version in om.datasets.versions(MADE)}
        assert stored >= set(tasks)

    def test_tasks_of_a_client_that_leaves_end_one_way_or_the_other(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `close` settles the handles of what it gives up, and waits for nothing."""
        goes_on = om.runtime.backend.holder(PLAIN) is not None
        orders = [{"do": "hold", "folder": str(stage.folder), "name": f"task-{number}"} for number in range(3)]
        with self.visitor(om) as visitor:
            tasks = visitor.ask("submit", orders=orders, heartbeat=BRIEF)
            self.until(lambda: stage.started("task-0"), "the first task is never started")
            visitor.leave()
        handles = [om.runtime.task(task) for task in tasks]
        if goes_on:
            stage.release_all()
        ended = [self.settled(handle) for handle in handles]
        assert ended == [State.SUCCESS if goes_on else State.LOST] * 3
        assert self.versions(om) == 3 * goes_on

    def test_a_context_is_closed_with_its_tasks_and_opened_again(
        self, open_context: OpenContext, tmp_path: Path, stage: Stage
    ) -> None:
        """If this fails, check that `close` returns whatever runs, and that the runtime can be started again."""
        with open_context(tmp_path, [PLAIN]) as opened:
            om = self.with_actor(opened["closing"])
            handles = [self.held(om.runtime, stage, "a"), self.hold(om.runtime, stage, "b")]
            waiting = threading.Thread(target=_wait_for, args=(handles[0], self.patience), daemon=True)
            waiting.start()
            goes_on = om.runtime.backend.holder(PLAIN) is not None
            om.close()
            stage.release_all()
            ended = [self.settled(om.runtime.task(handle.id)) for handle in handles]
            assert set(ended) <= ({State.SUCCESS} if goes_on else {State.SUCCESS, State.LOST})
            assert self.versions(om) == ended.count(State.SUCCESS)
            waiting.join(self.patience)
            assert not waiting.is_alive(), "who waits for a task of a closed context waits for ever"
            self.check_that_it_serves(om)

    def test_the_same_call_of_two_clients_is_one_task(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a task that is known is neither delivered nor refused again by the runtime."""
        order = {"do": "note", "folder": str(stage.folder), "name": "a"}
        with self.visitor(om) as visitor:
            (task,) = visitor.ask("submit", orders=[order], heartbeat=30, key="nightly")
            handle = self.run(om.runtime.idempotent("nightly"), "note", folder=str(stage.folder), name="a")
            assert handle.id == task
            kind, _ = visitor.ask("get", task=task, timeout=self.patience)
            visitor.leave()
        assert (kind, self.settled(handle)) == ("Metadata", State.SUCCESS)
        assert len(stage.started("a")) == 1

    def _time_passes(self, om: Omega, process: int) -> None:
        """Let the last sign of life of a client that was killed be long ago."""
        storage = om.context.storage
        for record in list(storage.scan_records("sessions/", None, ("pid",))):
            if record.body.get("pid") == process:
                storage.commit([Delete(record.key, record.revision)])


def _wait_for(handle: Any, patience: float) -> None:
    """Wait for a task as its caller would, whatever becomes of it."""
    try:
        handle.get(patience)
    except OmError:  # it was lost, or the context is closed
        return

"""Promises about calls that several workers do together: one result, and only what failed is done again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import TaskCancelledError
from omcore.runtimes.task import State
from omcore.testing.acting import Actor
from omcore.testing.tasks.fixtures import TaskKit

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.testing.runtime.fixtures import Stage

STARTS = (0, 100)
"""The first value of each piece of the dataset."""

ROWS = 10


class SharingPromises(TaskKit):
    """A call with `parallel=True` on a dataset of two pieces."""

    def test_how_far_a_shared_call_is_can_be_asked_and_its_result_appears_at_once(
        self, om: Omega, stage: Stage
    ) -> None:
        """If this fails, check that both workers run at the same time, and that each calls `execute` alone."""
        handle = self._shared(om, stage)
        self.until(lambda: all(stage.started(f"from-{start}") for start in STARTS), "not all pieces are begun")
        assert handle.progress is not None
        assert (handle.progress.done, handle.progress.total, handle.progress.unit) == (0, 2 * ROWS, "rows")
        stage.release("from-100")
        self.until(lambda: handle.progress and handle.progress.done == ROWS, "progress is never told")
        assert handle.status is State.STARTED
        assert not om.datasets.exists("result")
        stage.release_all()
        self._check_result(om, handle)

    def test_only_the_piece_whose_worker_was_killed_is_done_again(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that a task can be submitted again under its id, and that a new worker takes it."""
        self.needs_processes()
        handle = self._shared(om, stage)
        self.until(lambda: all(stage.started(f"from-{start}") for start in STARTS), "not all pieces are begun")
        stage.release("from-100")
        self.until(lambda: handle.progress and handle.progress.done == ROWS, "progress is never told")
        os.kill(stage.started("from-0")[0], signal.SIGKILL)
        self.until(lambda: len(stage.started("from-0")) == 2, "the piece is not begun again")
        stage.release_all()
        self._check_result(om, handle)
        assert [len(stage.started(f"from-{start}")) for start in STARTS] == [2, 1]

    def test_a_shared_call_that_is_cancelled_leaves_nothing(self, om: Omega, stage: Stage) -> None:
        """If this fails, check that `cancel` ends every delivery that it is asked for."""
        handle = self._shared(om, stage)
        self.until(lambda: any(stage.started(f"from-{start}") for start in STARTS), "no piece is begun")
        handle.cancel()
        with pytest.raises(TaskCancelledError):
            handle.get(self.patience)
        stage.release_all()
        self.check_that_it_serves(om)
        assert handle.status is State.REVOKED
        assert not om.datasets.exists("result")
        open_tasks = [task for task in om.runtime.tasks() if task.bucket == om.bucket and not task.state.final]
        assert open_tasks == []

    def _shared(self, om: Omega, stage: Stage) -> Handle:
        import pandas as pd

        for start in STARTS:
            frame = pd.DataFrame({"x": range(start, start + ROWS)})
            om.datasets.put(frame, "rows", append=start > 0)
        om.models.put(Actor({"do": "hold", "folder": str(stage.folder)}), "actor")
        model: Any = self.brief(om).model("actor")
        handle: Handle = model.predict("rows", into="result", parallel=True)
        return handle

    def _check_result(self, om: Omega, handle: Handle) -> None:
        assert self.settled(handle) is State.SUCCESS
        expected = [2 * value for start in STARTS for value in range(start, start + ROWS)]
        assert list(om.datasets.get("result")) == expected
        assert len(om.datasets.versions("result")) == 1

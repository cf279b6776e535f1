"""Tasks on the local runtime keep what the core promises of tasks on any runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.testing.tasks import TaskEndurance, TaskSemantics, task_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.testing.tasks import OpenContext


def local_context(folder: Path, workers: Sequence[frozenset[str]]) -> Omega:
    pools = {f"pool{number}": {"labels": sorted(labels)} for number, labels in enumerate(workers)}
    return task_context(folder, {"backend": "local", "shared": False, "workers": 0, "pools": pools})


class TestTasks(TaskSemantics):
    @pytest.fixture
    def open_context(self) -> OpenContext:
        return local_context


@pytest.mark.slow
class TestTasksInTrouble(TaskEndurance):
    @pytest.fixture
    def open_context(self) -> OpenContext:
        return local_context

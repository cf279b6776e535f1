from collections.abc import Sequence
from pathlib import Path

import pytest

from omcore.omega import Omega
from omcore.testing.tasks import OpenContext, TaskConformance, task_context


class TestTasksInThreads(TaskConformance):
    workers_are_processes = False

    @pytest.fixture
    def open_context(self) -> OpenContext:
        return threads


def threads(folder: Path, workers: Sequence[frozenset[str]]) -> Omega:
    return task_context(folder, {"backend": "threads", "workers": [sorted(labels) for labels in workers]})

"""Who waits for a task in one thread, while another closes the context, is told what became of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sklearn.linear_model import LinearRegression

import omcore
from omcore.errors import TaskLostError

if TYPE_CHECKING:
    from pathlib import Path


def test_threads_that_wait_are_told_when_the_context_is_closed(tmp_path: Path) -> None:
    om = omcore.setup(
        storage={"backend": "embedded", "path": str(tmp_path)}, runtime={"backend": "local", "workers": 1}
    )
    om.datasets.put([[1.0], [2.0]], "rows")
    om.models.put(LinearRegression(), "line")
    handle = om.runtime.model("line").fit("rows", [1.0, 2.0])
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(handle.get) for _ in range(4)]
        om.close()
        for each in waiting:
            with pytest.raises(TaskLostError, match="was closed"):
                each.result()
    assert str(om.runtime.task(handle.id).status) == "LOST"
    om.close()

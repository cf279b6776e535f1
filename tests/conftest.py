"""Which of the core's tests it is enough to run once."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ONCE = (
    *(HERE / "architecture", HERE / "kit", HERE / "core" / "programs"),
    *(
        HERE / "core" / "runtime" / f"test_{name}.py"
        for name in ("task_conformance", "group_conformance", "group_sharing")
    ),
    *(HERE / "core" / "partitioned" / f"test_{name}.py" for name in ("workers_share", "families_of_tasks")),
    *(HERE / "core" / "observing" / f"test_{name}.py" for name in ("live_bar", "limits", "notebook_bar")),
)
"""What says nothing new on a second interpreter: the workspace, the kit's saboteurs, what is mostly other processes."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count as slow what says nothing new on a second interpreter."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in ONCE):
            item.add_marker(pytest.mark.slow)

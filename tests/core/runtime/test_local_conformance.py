"""The local runtime keeps the runtime contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.local import LocalOptions, LocalRuntime, PoolOptions
from omcore.storage.backend import Place
from omcore.testing.runtime import RuntimeConformance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omcore.runtimes.backend import WorkerEntry
    from omcore.testing.runtime import StartRuntime


class TestLocalRuntime(RuntimeConformance):
    @pytest.fixture
    def start_runtime(self, tmp_path: Path) -> StartRuntime:
        def start(worker: WorkerEntry, offers: Sequence[frozenset[str]]) -> LocalRuntime:
            pools = {f"pool{number}": PoolOptions(labels=labels) for number, labels in enumerate(offers)}
            return LocalRuntime(LocalOptions(workers=0, pools=pools), Place("kit", tmp_path), worker, {})

        return start

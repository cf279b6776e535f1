"""The local runtime keeps the runtime contract where its workers are a group that clients share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.local import LocalOptions, LocalRuntime, PoolOptions
from omcore.storage.backend import Place
from omcore.testing.runtime import RuntimeConformance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from omcore.runtimes.backend import WorkerEntry
    from omcore.testing.runtime import StartRuntime


@pytest.mark.slow
class TestGroup(RuntimeConformance):
    @pytest.fixture
    def start_runtime(self, tmp_path: Path, temporary: Path) -> StartRuntime:
        place = Place("kit", tmp_path)

        @contextmanager
        def start(worker: WorkerEntry, offers: Sequence[frozenset[str]]) -> Iterator[LocalRuntime]:
            pools = {f"pool{number}": PoolOptions(labels=labels) for number, labels in enumerate(offers)}
            with (
                LocalRuntime(LocalOptions(workers=0, pools=pools), place, worker, {}).open_group(),
                LocalRuntime(LocalOptions(shared=True), place, worker, {}) as client,
            ):
                yield client

        return start

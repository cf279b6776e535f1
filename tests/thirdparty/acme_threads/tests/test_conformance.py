from pathlib import Path

import pytest
from acme_threads.runtime import ThreadRuntime

from omcore.storage.backend import Place
from omcore.testing.runtime import RuntimeConformance, StartRuntime


class TestThreadRuntime(RuntimeConformance):
    @pytest.fixture
    def start_runtime(self, tmp_path: Path) -> StartRuntime:
        place = Place("kit", tmp_path)
        return lambda worker, offers: ThreadRuntime(ThreadRuntime.Options(workers=list(offers)), place, worker, {})

"""The storage holds under stress."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from acme_onefile.storage import OneFileOptions, OneFileStorage

from omcore.testing.storage.bars import StorageBars

if TYPE_CHECKING:
    from omcore.testing.storage.bars import OpenPlace


class TestOneFileStorageUnderStress(StorageBars):
    sequences = 10
    orphans = 100

    @pytest.fixture
    def open_anywhere(self) -> OpenPlace:
        return lambda place: partial(OneFileStorage, OneFileOptions(), place)

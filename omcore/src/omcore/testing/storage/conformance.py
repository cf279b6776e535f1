"""All the promises of a storage in one class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from omcore.storage.backend import Place
from omcore.testing.storage.ages import AgePromises
from omcore.testing.storage.blobs import BlobPromises
from omcore.testing.storage.commits import CommitPromises
from omcore.testing.storage.damage import DamagePromises
from omcore.testing.storage.life import LifePromises
from omcore.testing.storage.machine import storage_machine
from omcore.testing.storage.queries import QueryPromises
from omcore.testing.storage.records import RecordPromises

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.testing.storage.fixtures import OpenStorage


class StorageConformance(
    BlobPromises, AgePromises, RecordPromises, CommitPromises, QueryPromises, LifePromises, DamagePromises
):
    """Inherit this, override the fixture `open_storage`, and your storage is tested.

    A quarter as many sequences of calls are compared with the memory storage as the hypothesis profile has examples.
    """

    def test_any_sequence_of_calls_does_what_the_memory_storage_does(
        self, open_storage: OpenStorage, tmp_path: Path
    ) -> None:
        """If this fails, the steps that are printed are the shortest that show it; the memory storage is right."""
        places = (Place(f"kit{number}", tmp_path / str(number)) for number in range(1_000_000))
        machine = storage_machine(open_storage, lambda: next(places))
        limits = settings(
            max_examples=settings().max_examples // 4,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        run_state_machine_as_test(machine, settings=limits)

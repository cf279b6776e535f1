"""What every test of the kit is given: places, opened storages, and the list of known gaps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import pytest

from omcore.storage.backend import Place, StorageBackend
from omcore.storage.digests import digest_of
from omcore.testing.gaps import KnownGaps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OpenStorage: TypeAlias = Callable[[Place], StorageBackend]
"""Opens the storage of a place: the same data for the same place, other data for another."""

FUTURE = datetime(9000, 1, 1, tzinfo=UTC)
"""Later than the age of any blob."""


def moment() -> datetime:
    """A time that is later than what was done before, and earlier than what is done next, on any backend's clock."""
    step = timedelta(milliseconds=20)
    middle = datetime.now(UTC) + step
    while datetime.now(UTC) < middle + step:
        time.sleep(0.005)
    return middle


def summary(content: bytes) -> tuple[int, str]:
    """Stands for a content in a comparison, so that a failure prints no megabytes."""
    return len(content), digest_of(content)


def contents(storage: StorageBackend) -> dict[str, int]:
    """The digests and sizes of all blobs."""
    return {blob.digest: blob.size for blob in storage.find_blobs(FUTURE)}


class StorageKit(KnownGaps):
    """The base of the kit's classes. Plain, not abstract: pytest leaves abstract classes out without a word."""

    secrets: ClassVar[Sequence[str]] = ()
    """Texts in the options of the opened storages that must not show anywhere."""

    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        """How to open the storage under test; override this one fixture."""
        raise NotImplementedError("override the fixture `open_storage`: return a function from a Place to your storage")

    def damage_blob(self, place: Place, digest: str, position: int) -> None:
        """Change one byte of a stored blob behind the storage's back."""
        raise NotImplementedError("override `damage_blob`, or list the tests of damaged blobs in `known_gaps`")

    def damage_record(self, place: Place, key: str) -> None:
        """Change the body of a stored record behind the storage's back, leaving it valid JSON."""
        raise NotImplementedError("override `damage_record`, or list the tests of damaged records in `known_gaps`")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        """A place that no storage was opened for yet."""
        return Place("kit", tmp_path / "kit")

    @pytest.fixture
    def storage(self, open_storage: OpenStorage, place: Place) -> Iterator[StorageBackend]:
        """A new storage, opened for `place`."""
        with open_storage(place) as storage:
            yield storage

"""A storage whose records are gone is refused, not taken for a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.errors import StorageUnavailableError
from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("state", ["empty", "missing"])
def test_blobs_without_records_are_refused_and_left_alone(tmp_path: Path, state: str) -> None:
    place = Place("dev", tmp_path)
    with EmbeddedStorage(EmbeddedOptions(), place) as storage:
        digest = storage.write_blob([b"content"]).digest
    for path in (tmp_path / "store").glob("records.sqlite*"):
        path.unlink()
    records = tmp_path / "store" / "records.sqlite"
    if state == "empty":
        records.touch()
    with pytest.raises(StorageUnavailableError, match=f"is {state}, but there are blobs"):
        EmbeddedStorage(EmbeddedOptions(), place)
    assert (tmp_path / "store" / "blobs" / digest[:2] / digest).read_bytes() == b"content"


def test_a_folder_that_another_opening_left_half_made_is_taken(tmp_path: Path) -> None:
    (tmp_path / "store" / "blobs").mkdir(parents=True)
    (tmp_path / "store" / "records.sqlite").touch()
    EmbeddedStorage(EmbeddedOptions(), Place("dev", tmp_path)).close()

"""What the README says works, on a real replica set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from omcore.testing.documents import run_in_a_process_of_its_own

if TYPE_CHECKING:
    import pytest

    from tests.services.mongod import Mongod


def test_every_block_does_what_the_readme_says(
    replica_set: Mongod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGO_URL", replica_set.url)
    monkeypatch.setenv("SIGNING_KEY", "a key for this test alone")
    run_in_a_process_of_its_own(Path(__file__).parents[1] / "README.md", tmp_path)

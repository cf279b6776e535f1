"""A configuration file chooses the storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import omcore as om
from omcore.storage.gc import GRACE, collect

if TYPE_CHECKING:
    from pathlib import Path


def test_a_configuration_file_keeps_a_context_in_one_file(tmp_path: Path) -> None:
    config = tmp_path / "omcore.toml"
    config.write_text('[contexts.dev]\nstorage = { backend = "onefile" }\nsigning_key = "a key for this test alone"\n')
    with om.setup("dev", config=config) as dev:
        dev.datasets.put([1, 2, 3], "numbers")
    with om.setup("dev", config=config) as dev:
        assert dev.datasets.get("numbers") == [1, 2, 3]
        assert collect(dev.context.storage, GRACE).deleted == 0
    assert [path.name for path in (tmp_path / ".omcore" / "dev").iterdir()] == ["store.sqlite"]

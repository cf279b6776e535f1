"""X4: 10,000 hostile names per parameter, and no file is opened outside the store's folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOSTILE = 10_000
SCRIPT = Path(__file__).with_name("hostile_names.py")


def _run(folder: Path, count: int, how: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "error", str(SCRIPT), str(folder), str(count), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "store folder"
    made.mkdir()
    return made


def test_the_bar_catches_a_store_that_opens_a_file_by_an_objects_name(folder: Path) -> None:
    assert _run(folder, 200, "broken")["count"]


def test_no_hostile_name_opens_a_file_outside_the_stores_folder(folder: Path, scale: int) -> None:
    found = _run(folder, HOSTILE * scale, "sound")
    assert found["outside"] == []
    assert found["tried"] == 22 * HOSTILE * scale
    assert found["refused"] > found["tried"] / 2

"""The folder of a program is private, and goes however its task ends."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from omcore.proxies.programs.folders import private_folder, remove_abandoned

KILLED = """
import os, signal, sys
from omcore.proxies.programs.folders import private_folder
with private_folder() as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_only_its_user_can_enter_it_and_it_goes_with_the_block(tmp_path: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == tmp_path.resolve()
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_it_goes_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), private_folder():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_that_of_a_task_that_was_killed_goes_with_a_later_one_and_those_in_use_stay(tmp_path: Path) -> None:
    with private_folder() as mine:
        killed = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
        left = Path(killed.stdout.strip())
        assert left.is_dir()
        remove_abandoned()
        assert left.is_dir()  # it is young: its owner may be about to lock it
        remove_abandoned(older_than=0)
        assert not left.exists()
        assert mine.is_dir()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "om-other"
    other.mkdir()
    remove_abandoned(older_than=0)
    assert other.is_dir()

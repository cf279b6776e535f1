"""R5: every message is delivered three times at once; each task has one result, and never two attempts that run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from omcore.runtimes.backend import Delivery
from omcore.runtimes.handle import as_completed

from .harness import opened, put_script

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

NOTES = """
import os, time
def run(om, path, number):
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"begin {number}\\n".encode())
    time.sleep(0.01)
    os.write(file, f"end {number}\\n".encode())
    os.close(file)
    return number
"""


def thrice(om: Omega, path: Path, number: int) -> Handle:
    handle: Handle = om.runtime.script("notes").run(str(path), number, into=f"made/{number}")
    envelope = om.context.records.envelope(handle.id)
    for _ in range(2):
        om.runtime.backend.submit(Delivery(handle.id, envelope))
    return handle


def run(om: Omega, folder: Path, messages: int) -> tuple[Counter[str], int]:
    """What the tasks noted; and how many results there are in all versions."""
    put_script(om, folder, "notes", NOTES)
    notes = folder / "notes"
    handles = [thrice(om, notes, number) for number in range(messages)]
    for handle in as_completed(handles, timeout=200):
        handle.get()
    results = sum(om.datasets.metadata(name).version for name in om.datasets.list("made/*"))
    om.runtime.backend.close()  # whatever still runs has ended, or is ended now
    return Counter(notes.read_text().splitlines()), results


def once(messages: int) -> Counter[str]:
    return Counter(f"{what} {number}" for number in range(messages) for what in ("begin", "end"))


def test_the_harness_catches_workers_that_run_what_another_has(tmp_path: Path) -> None:
    with opened(tmp_path, defect="claims_what_runs") as om:
        noted, _ = run(om, tmp_path, 5)
        assert noted != once(5)


def test_tasks_that_are_delivered_three_times_at_once_run_once(tmp_path: Path, scale: int) -> None:
    messages = 50 * scale
    with opened(tmp_path) as om:
        noted, results = run(om, tmp_path, messages)
        assert noted == once(messages)
        assert results == messages
        print(f"{messages} messages delivered three times each: {results} results, {noted.total() // 2} runs")

"""What a durable task printed, piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.logs import PIECE, PREFIX, TaskLogs

if TYPE_CHECKING:
    from omcore.storage.memory import MemoryStorage

TASK = "a" * 32


@pytest.fixture
def logs(storage: MemoryStorage) -> TaskLogs:
    return TaskLogs(storage)


def test_pieces_come_back_in_order_over_all_attempts(logs: TaskLogs) -> None:
    for attempt in (1, 2, 11):
        writer = logs.writer(TASK, attempt)
        for piece in range(12):
            writer.write(f"{attempt}-{piece} ")
    text = "".join(text for _, text in logs.read(TASK))
    assert text == "".join(f"{attempt}-{piece} " for attempt in (1, 2, 11) for piece in range(12))


def test_who_reads_on_gets_only_what_is_new(logs: TaskLogs) -> None:
    writer = logs.writer(TASK, 1)
    writer.write("a")
    writer.write("b")
    (_, _), (last, _) = logs.read(TASK)
    assert list(logs.read(TASK, last)) == []
    writer.write("c")
    assert [text for _, text in logs.read(TASK, last)] == ["c"]


def test_long_text_is_cut_into_pieces_and_nothing_makes_none(storage: MemoryStorage, logs: TaskLogs) -> None:
    writer = logs.writer(TASK, 1)
    writer.write("")
    assert list(storage.find_records(PREFIX)) == []
    long = "x" * PIECE + "y" * PIECE + "z"
    writer.write(long)
    pieces = [text for _, text in logs.read(TASK)]
    assert "".join(pieces) == long
    assert max(map(len, pieces)) == PIECE


def test_what_ends_a_task_is_committed_with_it_behind_what_it_wrote_before(
    storage: MemoryStorage, logs: TaskLogs
) -> None:
    writer = logs.writer(TASK, 1)
    writer.write("before ")
    storage.commit(writer.changes("after"))
    assert [text for _, text in logs.read(TASK)] == ["before ", "after"]


def test_a_log_is_forgotten_and_its_neighbour_is_not(logs: TaskLogs) -> None:
    for task in (TASK, "b" * 32):
        logs.writer(task, 1).write(task)
    logs.forget(TASK)
    logs.forget("c" * 32)
    assert list(logs.read(TASK)) == []
    assert [text for _, text in logs.read("b" * 32)] == ["b" * 32]

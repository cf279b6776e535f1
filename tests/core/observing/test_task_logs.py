"""The text of a task: bounded, whole where it fits, and without secrets wherever it is cut."""

from __future__ import annotations

import sys
import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.runtimes.tasklog import TaskLog

PLAIN = st.text(st.characters(codec="ascii", exclude_characters=":"), max_size=30)
ADDRESS = "mongodb://ada:hunter2@db/omega"


@given(st.lists(PLAIN, max_size=30))
def test_what_fits_is_kept_whole(texts: list[str]) -> None:
    log = TaskLog()
    for text in texts:
        log.write(text)
    assert log.text() == "".join(texts) == log.take(final=True)
    assert bool(log) is bool("".join(texts))


@given(st.lists(PLAIN, max_size=60), st.integers(2, 40))
def test_of_what_does_not_fit_the_first_and_the_last_half_are_kept_and_the_rest_is_counted(
    texts: list[str], limit: int
) -> None:
    log = TaskLog(limit)
    for text in texts:
        log.write(text.replace("@", "a"))
    whole = "".join(texts).replace("@", "a")
    head, tail = whole[: limit - limit // 2], whole[len(whole) - limit // 2 :]
    left_out = f"\n... {len(whole) - limit} characters left out ...\n"
    assert log.text() == (whole if len(whole) <= limit else f"{head}{left_out}{tail}")


@given(st.lists(st.one_of(PLAIN, st.just(None)), max_size=60))
def test_what_is_taken_piece_by_piece_is_all_that_was_written(steps: list[str | None]) -> None:
    log = TaskLog()
    taken = []
    for step in steps:
        if step is None:
            taken.append(log.take())
        else:
            log.write(step)
    taken.append(log.take(final=True))
    assert "".join(taken) == log.text() == "".join(step or "" for step in steps)
    assert not log.take(final=True)


def test_who_takes_too_late_is_told_how_much_is_missing() -> None:
    log = TaskLog(10)
    log.write("0123456789abcdef")
    assert log.take() == "01234\n... 6 characters left out ...\nbcdef"
    log.write("new\n")
    assert log.take() == "new\n"


@given(st.lists(st.integers(1, len(ADDRESS) - 1), max_size=6), st.sampled_from(["\n", " ", ""]))
def test_a_password_is_hidden_however_the_address_is_written_and_taken(cuts: list[int], end: str) -> None:
    log = TaskLog()
    taken = []
    edges = [0, *sorted(cuts), len(ADDRESS)]
    for start, stop in pairwise(edges):
        log.write(ADDRESS[start:stop])
        taken.append(log.take())
    log.write(end)
    taken.append(log.take(final=True))
    assert "".join(taken) == log.text() == f"mongodb://ada:***@db/omega{end}"


@given(st.integers(2, 120), st.integers(0, 60), st.integers(0, 60))
def test_a_password_is_hidden_wherever_the_text_is_cut(limit: int, before: int, after: int) -> None:
    log = TaskLog(limit)
    log.write(f"{'-' * before} {ADDRESS} {'-' * after}")
    shown = log.text()
    assert not [size for size in range(3, 8) if "hunter2"[:size] in shown or "hunter2"[-size:] in shown]


def test_what_utf_8_cannot_say_is_escaped() -> None:
    log = TaskLog()
    log.write("caf\udce9")
    assert log.text() == r"caf\udce9" == log.take()


@pytest.mark.parametrize("size", [1, 100, 10_000_000])
def test_a_log_stays_small_however_much_is_written_and_in_what_sizes(size: int) -> None:
    import tracemalloc

    text = "x" * size
    log = TaskLog(20_000)
    tracemalloc.start()
    try:
        for _ in range(max(3, 100_000 // size)):
            log.write(text)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 300_000
    assert "characters left out" in log.text()


def test_what_several_threads_write_is_whole() -> None:
    log = TaskLog()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def write() -> None:
        for _ in range(2000):
            log.write("abc\n")

    try:
        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        taken = [log.take() for _ in range(20)]
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert "".join(taken) + log.take(final=True) == log.text() == "abc\n" * 8000

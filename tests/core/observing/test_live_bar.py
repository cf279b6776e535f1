"""A person who waits sees a bar, only where there is a person, and nothing is left of it afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from omcore.runtimes.livebar import live_bar, watch
from omcore.runtimes.progress import Progress
from tests.core.observing.screen import Program, Screen
from tests.core.observing.waited import Endless

if TYPE_CHECKING:
    from collections.abc import Sequence

WAITING = """
import sys, time
from omcore.runtimes.livebar import live_bar
from omcore.runtimes.progress import Progress

steps = iter(STEPS)
now = None
asked = []

def describe():
    return "task [b]0123 STARTED", now

def wait(seconds):
    global now
    asked.append(seconds)
    time.sleep(PAUSE if now else 0)
    now = next(steps, None)
    return now is None

print("before")
try:
    print("ended", live_bar(describe, wait), asked[:2])
except KeyboardInterrupt:
    print("interrupted")
"""
KNOWN: Sequence[tuple[float, float]] = [(2, 20), (4, 20), (6, 20), (8, 20)]


def waiting(steps: Sequence[tuple[float, float | None]], unit: str = "parts", pause: float = 0.3) -> str:
    """A program that waits for something which is so far at each look."""
    made = ", ".join(f"Progress(done={done}, total={total}, unit={unit!r})" for done, total in steps)
    return WAITING.replace("STEPS", f"[{made}]").replace("PAUSE", str(pause))


def test_on_a_terminal_a_bar_shows_parts_rate_and_time_left_and_leaves_nothing_behind() -> None:
    program = Program(waiting(KNOWN))
    views = list(program.views())
    bars = [view.split("\n")[1] for view in views if "0123" in view]
    assert all(view.startswith("before") for view in views[5:])
    assert any(re.match(r"task \[b\]0123 STARTED ━.* 2/20 parts 0:00:00$", line) for line in bars), bars
    assert any(re.search(r"━ 8/20 parts, [0-9.]+ parts/s, 0:00:0[0-9] left 0:00:0[0-9]$", line) for line in bars), bars
    assert program.end() == 0
    assert program.screen.seen() == "before\nended True [1.0, 0.5]"
    assert program.screen.cursor


def test_where_nobody_knows_the_total_the_bar_says_what_is_done() -> None:
    program = Program(waiting([(1000, None), (1500, None), (2500.5, None)], "rows"))
    bars = [view for view in program.views() if "0123" in view]
    assert any("━ 2,500.5 rows" in view for view in bars), bars[-1]
    assert not any(" left" in view or "%" in view for view in bars)
    assert program.end() == 0
    assert program.screen.seen() == "before\nended True [1.0, 0.5]"


def test_who_interrupts_finds_the_terminal_as_it_was() -> None:
    program = Program(waiting([(1, 2)], pause=60))
    for view in program.views():
        if "1/2 parts" in view:
            program.interrupt()
            break
    for _ in program.views():
        pass
    assert program.end() == 0
    assert program.screen.seen() == "before\ninterrupted"
    assert program.screen.cursor


def test_who_waits_less_than_a_second_sees_nothing() -> None:
    program = Program(waiting([]))
    assert not [view for view in program.views() if "0123" in view]
    assert program.end() == 0
    assert "\x1b" not in program.raw
    assert program.screen.seen() == "before\nended True [1.0]"


@pytest.mark.parametrize("stream", ["stderr", "both"])
def test_nothing_is_printed_and_rich_is_not_loaded_where_it_is_piped(stream: str) -> None:
    program = waiting([(1, 2)]) + "\nassert 'rich' not in sys.modules"
    merged = subprocess.STDOUT if stream == "both" else subprocess.PIPE
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=merged, text=True, check=True)
    assert done.stdout == "before\nended False [None]\n"
    assert not done.stderr


def test_waiting_is_asked_for_in_one_go_where_nobody_watches() -> None:
    asked: list[float | None] = []

    def wait(seconds: float | None) -> bool:
        asked.append(seconds)
        return False

    def in_a_thread() -> None:
        assert not live_bar(lambda: pytest.fail("nobody watches"), wait)

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert not live_bar(lambda: pytest.fail("nobody watches"), wait, 7.5)
    assert asked == [None, 7.5]


WATCHING = """
from omcore.runtimes.livebar import watch
from tests.core.observing.waited import Endless

task = Endless()
print(watch(task, 0), watch(task, 1.2), sum(task.asked) < 1.5)
"""


def test_who_watches_a_task_waits_no_longer_than_was_said() -> None:
    task = Endless()
    assert not watch(task, 0.01)
    assert task.asked == [0.01]
    program = Program(WATCHING)
    views = list(program.views())
    assert any("task 01234567 STARTED" in view for view in views)
    assert program.end() == 0
    assert program.screen.seen() == "False False True"


# --- how far


@given(st.floats(0, 1e300), st.none() | st.floats(0, 1e300), st.text(max_size=40))
def test_progress_goes_through_json(done: float, total: float | None, unit: str) -> None:
    progress = Progress(done=done, total=total, unit=unit)
    assert Progress.model_validate_json(progress.model_dump_json()) == progress


@pytest.mark.parametrize(
    "fields",
    [{"done": -1}, {"done": float("nan")}, {"done": float("inf")}, {"done": 1, "total": -1}, {}, {"done": 1, "of": 2}],
    ids=["negative", "nan", "infinite", "negative total", "nothing", "unknown"],
)
def test_what_is_no_progress_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Progress.model_validate(fields)


def test_the_terminal_of_these_tests_shows_what_a_real_one_does() -> None:
    screen = Screen()
    screen.send("one\r\ntwo\x1b[2K\rthree\r\n\x1b[1A\x1b[2K\x1b[?25lfour\x1b[1mx\x1b[0m")
    assert screen.seen() == "one\nfourx"
    assert not screen.cursor

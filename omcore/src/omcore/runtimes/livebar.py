"""A bar for a person who waits: on a terminal, or below the cell of a notebook; nothing where nobody watches."""

from __future__ import annotations

import io
import sys
import threading
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from omcore.runtimes.progress import Progress
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import Task

    from omcore.runtimes.task import State

    Show = Callable[[str, Progress | None], None]

PATIENCE = 1.0
"""Seconds that somebody waits without a bar."""

PAUSE = 0.5
"""Seconds between two looks at how far it is."""

LONGEST_TEXT = 60
"""Characters of what a bar says is being waited for."""

_WIDTH = 100
_CELL = '<pre style="line-height:normal;font-family:monospace">{code}</pre>'


class Watched(Protocol):
    """What can be waited for with a bar: a handle of a task."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> State: ...

    @property
    def progress(self) -> Progress | None: ...

    def wait(self, timeout: float | None = None) -> bool: ...


def watch(task: Watched, timeout: float | None = None) -> bool:
    """Wait for a task, with a live bar where somebody watches.

    Args:
        task: its handle.
        timeout: seconds to wait; `None` for ever.

    Returns:
        Whether the task has ended.
    """
    return live_bar(lambda: (f"task {task.id[:8]} {task.status}", task.progress), task.wait, timeout)


def live_bar(
    describe: Callable[[], tuple[str, Progress | None]],
    wait: Callable[[float | None], bool],
    timeout: float | None = None,
) -> bool:
    """Wait, and after the first second show how far it is, where somebody watches this thread; then clean up.

    Args:
        describe: says what is waited for, and how far it is; asked twice a second.
        wait: waits so many seconds at most (`None`: for ever), and says whether it is over.
        timeout: seconds to wait in all; `None` for ever.

    Returns:
        What `wait` said last.
    """
    if not somebody_watches():
        return wait(timeout)
    until = None if timeout is None else time.monotonic() + timeout
    if wait(PATIENCE if timeout is None else min(PATIENCE, timeout)):
        return True
    if until is not None and time.monotonic() >= until:
        return False
    with bar() as show:
        while until is None or time.monotonic() < until:
            show(*describe())
            if wait(PAUSE if until is None else max(0.0, min(PAUSE, until - time.monotonic()))):
                return True
    return False


def somebody_watches() -> bool:
    """Whether this is the main thread, and its error stream a terminal that can show a bar, or its code a notebook's.

    Costs nothing where it is not: no library is loaded.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if _in_a_notebook():
        return True
    if sys.stderr is None or sys.stderr.closed or not sys.stderr.isatty():
        return False
    from rich.console import Console

    return Console(stderr=True).is_interactive


def _in_a_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console(stderr=True).is_jupyter


@contextmanager
def bar() -> Iterator[Show]:
    """A bar, until the end of the block, however that ends; for who knows that somebody watches.

    Yields:
        A function to call with what is being done, and how far it is.
    """
    with _notebook_bar() if _in_a_notebook() else _terminal_bar() as show:
        yield show


@contextmanager
def _terminal_bar() -> Iterator[Show]:
    from rich.console import Console

    # what others print stays where they print it: standard output may be a file
    shown = _Shown(Console(stderr=True))
    with shown.progress:
        yield shown.update


@contextmanager
def _notebook_bar() -> Iterator[Show]:
    """A display that is updated in place; by what every notebook has, and no widgets."""
    from rich.console import Console

    console = Console(file=io.StringIO(), record=True, width=_WIDTH, force_jupyter=False, force_terminal=True)
    shown = _Shown(console)
    display: Any = import_module("IPython.display").display
    place = display({"text/plain": ""}, raw=True, display_id=True)

    def show(text: str, progress: Progress | None) -> None:
        shown.update(text, progress)
        place.update(_as_cell(console, shown.progress), raw=True)

    try:
        yield show
    finally:
        place.update({"text/plain": ""}, raw=True)


def _as_cell(console: Console, progress: RichProgress) -> dict[str, str]:
    console.print(progress.get_renderable())
    plain = console.export_text(clear=False)
    return {"text/plain": plain, "text/html": console.export_html(inline_styles=True, code_format=_CELL)}


class _Shown:
    """The one line of a bar."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self.progress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self.progress.add_task("", total=None, numbers="")

    def update(self, text: str, progress: Progress | None) -> None:
        now = progress or Progress(done=0)
        line = self.progress.tasks[0]
        total = now.total or None  # a bar of nothing at all would stand at its end
        self.progress.update(self._task, description=one_line(text, LONGEST_TEXT), total=total, completed=now.done)
        self.progress.update(self._task, numbers=_numbers(now, line) if progress else "")


def _numbers(progress: Progress, line: Task) -> str:
    """How far it is, how fast, and how long it will take: `3/20 parts, 1.5 parts/s, 0:00:11 left`."""
    unit = one_line(progress.unit)
    total = "" if progress.total is None else f"/{_count(progress.total)}"
    words = [f"{_count(progress.done)}{total} {unit}".rstrip()]
    if line.speed:
        words.append(f"{line.speed:,.1f} {unit}".rstrip() + "/s")
    if line.time_remaining:
        words.append(f"{_clock(line.time_remaining)} left")
    return ", ".join(words)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"

"""What commands print: tables for people, JSON for programs, progress for those who wait."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.options import session
from omcore.runtimes.livebar import PAUSE, bar, somebody_watches
from omcore.runtimes.progress import Progress
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from omcore.runtimes.livebar import Show

WIDEST = 100_000
"""Characters a line may have where the output is no terminal."""


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], empty: str = "nothing here") -> None:
    """Print rows: as a JSON list of objects where the command was given `--json`, else as a table.

    Args:
        rows: each with at least the columns; JSON shows all of a row.
        columns: what the table shows, in order.
        empty: what is said, instead of a table, where there are no rows.
    """
    found = list(rows)
    if session().json:
        show_json(found)
    elif found:
        headings = [column.replace("_", " ").upper() for column in columns]
        show_table([[row[column] for column in columns] for row in found], headings)
    else:
        click.echo(empty)


def show_json(value: Any) -> None:
    """Print a value as JSON; dates as ISO 8601, arrays as lists, NaN and infinities as null."""
    from pydantic_core import to_json

    click.echo(to_json(value, indent=2, inf_nan_mode="null", fallback=_jsonable, bytes_mode="base64").decode())


def _jsonable(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def show_table(rows: Iterable[Sequence[Any]], headings: Sequence[str]) -> None:
    """Print a table, its headings as they are given; where the output is no terminal, every row on one line, whole."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(Text(one_line(heading)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDEST).print(table)


def cell(value: Any) -> str:
    """A value as one line of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(cell, value))
    return one_line(value.isoformat(" ", "seconds") if hasattr(value, "isoformat") else str(value))


@contextmanager
def progress(description: str, total: float | None = None, unit: str = "") -> Iterator[Callable[[float], None]]:
    """Show a bar on the error stream while something long runs, where that is a terminal.

    Args:
        description: what is being done.
        total: how much there is to do; `None` where nobody knows.
        unit: what is counted, for example `bytes`.

    Yields:
        A function to call with how much more is done.
    """
    if session().json or not somebody_watches():
        yield lambda _: None
        return
    with bar() as show:
        advance = _Advance(description, total, unit, show)
        advance(0)
        yield advance


class _Advance:
    """Counts what is done, and shows it every now and then."""

    def __init__(self, description: str, total: float | None, unit: str, show: Show) -> None:
        self._description = description
        self._total = total
        self._unit = unit
        self._show = show
        self._done = 0.0
        self._next = 0.0

    def __call__(self, amount: float) -> None:
        self._done += amount
        if (now := time.monotonic()) >= self._next:
            self._next = now + PAUSE / 5
            counted = self._done or self._total is not None
            now_done = Progress(done=self._done, total=self._total, unit=self._unit) if counted else None
            self._show(self._description, now_done)

"""The commands below `om runtime` that look after tasks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import FilePath, Seconds, session, show
from omcore.cli.results import print_value
from omcore.cli.writing import check_target, write
from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.runtimes.handle import Handle
    from omcore.runtimes.tasklist import TaskInfo

SHOWN = ("id", "state", "action", "object", "submitted", "ended", "worker")


def print_result(handle: Handle, output: Path | None, timeout: float | None = None) -> None:
    """Wait for a task, with a bar where somebody watches, and print its value or write it to a file."""
    value = handle.get(timeout)
    if output is None:
        print_value(value)
    else:
        write(value, output)


def _handle(task: str) -> Handle:
    return session().omega().runtime.task(task)


@click.command()
@click.argument("task")
@click.option("--timeout", type=Seconds(0, 1e9), help="Seconds to wait for it; else until it ends.")
@click.option("-o", "--output", type=FilePath(), help="Write the result to a file.")
def result(task: str, timeout: float | None, output: Path | None) -> None:
    """Wait for a task and print its result."""
    if output is not None:
        check_target(output)
    print_result(_handle(task), output, timeout)


@click.command()
@click.argument("task")
def status(task: str) -> None:
    """Say where a task is."""
    print_value(str(_handle(task).status))


@click.command()
@click.argument("task")
def explain(task: str) -> None:
    """Say where a task is and why, in a sentence."""
    print_value(_handle(task).explain())


@click.command()
@click.argument("task")
def cancel(task: str) -> None:
    """Cancel a task: no result of it becomes visible any more."""
    _handle(task).cancel()


@click.command()
@click.argument("task")
@click.option("-f", "--follow", is_flag=True, help="Go on until the task has ended.")
def logs(task: str, follow: bool) -> None:
    """Print what a task has printed, logged and warned of."""
    handle = _handle(task)
    if not follow:
        click.echo(handle.logs(), nl=False)
        return
    for text in handle.logs(follow=True):
        click.echo(text, nl=False)


@click.command()
@click.option("--state", help="Only tasks in this state, for example FAILURE.")
@click.option("--parts", is_flag=True, help="Also those that do a part of another one.")
def tasks(state: str | None, parts: bool) -> None:
    """The durable tasks of the context, latest first."""
    from omcore.runtimes.task import State

    if state is not None and state.upper() not in State.__members__:
        raise InvalidArgumentError(f"there is no state {state!r}; there are {', '.join(State.__members__)}")
    known = None if state is None else State[state.upper()]
    found = (task for task in session().omega().runtime.tasks(known) if parts or not task.parent)
    show(map(_task_row, found), SHOWN, empty="no tasks here")


def _task_row(task: TaskInfo) -> dict[str, Any]:
    times = {name: _time(getattr(task, name)) for name in ("submitted", "started", "ended")}
    return {**asdict(task), **times, "state": str(task.state)}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


COMMANDS = (result, status, explain, cancel, logs, tasks)
"""All of them."""

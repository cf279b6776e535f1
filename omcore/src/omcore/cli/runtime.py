"""`om runtime`: run actions on stored objects, and look after the tasks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import FilePath, session, show, take_common_options
from omcore.cli.formats import check_target, write
from omcore.cli.results import print_value
from omcore.cli.stores import pair
from omcore.cli.worker_command import worker
from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omcore.proxies.base import Action, RuntimeProxy
    from omcore.runtimes.records import TaskInfo
    from omcore.runtimes.scope import Scope

PROXIES = "omcore.proxy"
SHOWN = ("id", "state", "action", "object", "submitted", "ended", "worker")


class RuntimeGroup(click.Group):
    """Its own commands, and one for each installed proxy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, and the names of the proxies."""
        return sorted({*super().list_commands(ctx), *_host().names(PROXIES)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, or the one that is made of a proxy."""
        known = super().get_command(ctx, cmd_name)
        if known is not None or cmd_name not in _host().names(PROXIES):
            return known
        return take_common_options(proxy_command(_host().proxy(cmd_name, asked_by="the command line")))


def _host() -> Any:
    return session().omega().context.host


@click.group(cls=RuntimeGroup)
@click.option("--require", multiple=True, metavar="LABEL", help="Only on workers that offer this label.")
@click.option("--local", is_flag=True, help="Run it here, in this process.")
@click.option("--async", "detach", is_flag=True, help="Print the task's id and leave; see 'om runtime result'.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds the task may run.")
@click.option("--wait", is_flag=True, help="Queue it even if no worker offers the labels now.")
@click.pass_context
def runtime(
    ctx: click.Context, require: tuple[str, ...], local: bool, detach: bool, timeout: float | None, wait: bool
) -> None:
    """Run actions on stored objects, and look after the tasks."""
    if local and detach:
        raise InvalidArgumentError("--local runs the task in this process and --async leaves it; give one of them")
    ctx.obj = {"require": require, "local": local, "detach": detach, "timeout": timeout, "wait": wait}


runtime.add_command(worker)


def scope() -> Scope:
    """`om.runtime` with the options of the command line."""
    options = click.get_current_context().obj
    found = session().omega().runtime.mode(local=options["local"]).require(*options["require"])
    if options["timeout"] is not None:
        found = found.timeout(options["timeout"])
    if options["wait"]:
        found = found.wait()
    return found.detach() if options["detach"] else found


def proxy_command(proxy: type[RuntimeProxy]) -> click.Command:
    """The command that calls a proxy's actions."""

    @click.command(proxy.name, help=_help_of(proxy))
    @click.argument("name")
    @click.argument("action")
    @click.argument("arguments", nargs=-1)
    @click.option("-p", "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter by name.")
    @click.option("--into", metavar="DATASET", help="Store the result as this dataset.")
    @click.option("-o", "--output", type=FilePath(), help="Write the result to a file.")
    def command(
        name: str,
        action: str,
        arguments: tuple[str, ...],
        params: tuple[str, ...],
        into: str | None,
        output: Path | None,
    ) -> None:
        known = dict(pair(text) for text in params)
        if into is not None:
            known["into"] = into
        proxy.find_action(action)
        if output is not None:
            check_target(output)
        call = getattr(getattr(scope(), proxy.name)(name), action)
        handle = call(*arguments, **known)
        if click.get_current_context().obj["detach"]:
            click.echo(handle.id)
        else:
            _print_result(handle, output)

    return command


def _print_result(handle: Any, output: Path | None, timeout: float | None = None) -> None:
    value = handle.get(timeout)  # with a bar where somebody watches
    if output is None:
        print_value(value)
    else:
        write(value, output)


def _help_of(proxy: type[RuntimeProxy]) -> str:
    actions = "\n".join(_line(name, action) for name, action in proxy.actions().items())
    return f"Call ACTION on a stored {proxy.name}; names of datasets are its ARGUMENTS.\n\n\b\n{actions}"


def _line(name: str, action: Action[..., Any]) -> str:
    first = (action.__doc__ or "").strip().splitlines()
    positional = (known for known in action.signature.parameters.values() if known.kind is known.POSITIONAL_OR_KEYWORD)
    takes = " ".join(known.name.upper() for known in positional)
    return f"{name} {takes}: {first[0] if first else ''}".rstrip(": ")


@runtime.command()
@click.argument("task")
@click.option("--timeout", type=click.FloatRange(0), help="Seconds to wait for it; else until it ends.")
@click.option("-o", "--output", type=FilePath(), help="Write the result to a file.")
def result(task: str, timeout: float | None, output: Path | None) -> None:
    """Wait for a task and print its result."""
    if output is not None:
        check_target(output)
    _print_result(session().omega().runtime.task(task), output, timeout)


@runtime.command()
@click.argument("task")
def status(task: str) -> None:
    """Say where a task is."""
    print_value(str(session().omega().runtime.task(task).status))


@runtime.command()
@click.argument("task")
def cancel(task: str) -> None:
    """Cancel a task: no result of it becomes visible any more."""
    session().omega().runtime.task(task).cancel()


@runtime.command()
@click.option("--state", help="Only tasks in this state, for example FAILURE.")
def tasks(state: str | None) -> None:
    """The durable tasks of the context, latest first."""
    from omcore.runtimes.task import State

    if state is not None and state.upper() not in State.__members__:
        raise InvalidArgumentError(f"there is no state {state!r}; there are {', '.join(State.__members__)}")
    known = None if state is None else State[state.upper()]
    show(map(_task_row, session().omega().runtime.tasks(known)), SHOWN, empty="no tasks here")


def _task_row(task: TaskInfo) -> dict[str, Any]:
    times = {name: _time(getattr(task, name)) for name in ("submitted", "started", "ended")}
    return {**asdict(task), **times, "state": str(task.state)}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@runtime.command()
def workers() -> None:
    """The live workers."""
    columns: Sequence[str] = ("id", "labels", "capacity", "running")
    rows = ({**asdict(worker), "labels": sorted(worker.labels)} for worker in session().omega().runtime.workers())
    show(rows, columns, empty="no live workers")


@runtime.command()
def labels() -> None:
    """The labels that some live worker offers."""
    show(({"label": label} for label in sorted(session().omega().runtime.labels())), ("label",), empty="no labels")

"""`om runtime`: run actions on stored objects, and look after the tasks."""

from __future__ import annotations

from dataclasses import asdict
from inspect import Parameter
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import FilePath, Seconds, session, show, take_common_options
from omcore.cli.stores import pair
from omcore.cli.task_commands import COMMANDS, print_result
from omcore.cli.worker_command import worker
from omcore.cli.writing import check_target
from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omcore.proxies.base import Action, RuntimeProxy
    from omcore.runtimes.scope import Scope

PROXIES = "omcore.proxy"
SECONDS = Seconds(0, 1e9, min_open=True)
ENVIRONMENTS = ("warn", "refuse", "elsewhere", "ignore")


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
@click.option("--timeout", type=SECONDS, help="Seconds that one attempt may run.")
@click.option("--start-timeout", type=SECONDS, help="Seconds that a task may wait for a worker.")
@click.option("--total-timeout", type=SECONDS, help="Seconds from its submission to its end.")
@click.option("--heartbeat", type=SECONDS, help="Seconds without a sign of life of its worker before another gets it.")
@click.option("--retry", type=click.IntRange(0), metavar="TIMES", help="Run it again when it raises an error.")
@click.option("--memory", metavar="SIZE", help="Memory it may take, such as 2GiB.")
@click.option("--environment", type=click.Choice(ENVIRONMENTS), help="What to do on other versions of the libraries.")
@click.option("--key", metavar="TEXT", help="Make a repeated call with the same key the same task.")
@click.option("--durable", is_flag=True, help="Keep a record also of a light action such as predict.")
@click.option("--wait", is_flag=True, help="Queue it even if no worker offers the labels now.")
@click.pass_context
def runtime(ctx: click.Context, /, **options: Any) -> None:
    """Run actions on stored objects, and look after the tasks."""
    if options["local"] and options["detach"]:
        raise InvalidArgumentError("--local runs the task in this process and --async leaves it; give one of them")
    ctx.obj = options


for known_command in (worker, *COMMANDS):
    runtime.add_command(known_command)


def scope() -> Scope:
    """`om.runtime` with the options of the command line."""
    options = click.get_current_context().obj
    found = _limited(session().omega().runtime.mode(local=options["local"]).require(*options["require"]), options)
    if options["retry"] is not None:
        found = found.retry(options["retry"])
    if options["key"] is not None:
        found = found.idempotent(options["key"])
    if options["durable"]:
        found = found.durable()
    if options["wait"]:
        found = found.wait()
    return found.detach() if options["detach"] else found


def _limited(found: Scope, options: dict[str, Any]) -> Scope:
    limits = {
        "seconds": options["timeout"],
        "start": options["start_timeout"],
        "total": options["total_timeout"],
        "heartbeat": options["heartbeat"],
    }
    if any(limit is not None for limit in limits.values()):
        found = found.timeout(**limits)
    if options["memory"] is not None:
        found = found.memory(options["memory"])
    return found if options["environment"] is None else found.environment(options["environment"])


def proxy_command(proxy: type[RuntimeProxy]) -> click.Command:
    """The command that calls a proxy's actions."""

    @click.command(proxy.name, help=_help_of(proxy))
    @click.argument("name")
    @click.argument("action")
    @click.argument("arguments", nargs=-1)
    @click.option("-p", "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter by name.")
    @click.option(
        "--into", metavar="NAME", help="Keep the result under this name: as a dataset, that of a job as a job."
    )
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
            print_result(handle, output)

    return command


def _help_of(proxy: type[RuntimeProxy]) -> str:
    actions = "\n".join(_line(name, action) for name, action in proxy.actions().items())
    data = "; names of datasets are its ARGUMENTS" if any(act.data for act in proxy.actions().values()) else ""
    return f"Call ACTION on a stored {proxy.name}{data}.\n\n\b\n{actions}"


def _line(name: str, action: Action[..., Any]) -> str:
    first = (action.__doc__ or "").strip().splitlines()
    words = " ".join([name, *filter(None, map(_word, action.signature.parameters.values()))])
    return f"{words}: {first[0] if first else ''}".rstrip(": ")


def _word(parameter: Parameter) -> str:
    """A parameter that is given by position, as a help shows it; empty for any other."""
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return f"[{parameter.name.upper()}]..."
    return parameter.name.upper() if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD else ""


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

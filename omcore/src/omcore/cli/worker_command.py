"""`om runtime worker`: workers of the local runtime that several clients share."""

from __future__ import annotations

from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from omcore.cli.common import Seconds, session
from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.context import Context
    from omcore.runtimes.group.group import Group
    from omcore.runtimes.local import LocalRuntime

MOST_WORKERS = 1000
"""Nobody means more worker processes on one machine."""


@click.command(short_help="Serve tasks in workers that all clients of the context share.")
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), help="How many; else as the context's configuration says."
)
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="What each of them offers; may be repeated.")
@click.option(
    "--grace",
    type=Seconds(0, 1e9),
    default=30.0,
    show_default=True,
    help="Seconds that running tasks may take to end when this is told to stop.",
)
def worker(workers: int | None, labels: tuple[str, ...], grace: float) -> None:
    """Serve tasks of the context on this machine, until SIGTERM or Ctrl-C.

    Clients of the context find these workers by themselves, and what they submit goes on when they end. With neither
    --workers nor --label, the workers are those that the configuration describes.
    """
    from omcore.runtimes.group.foreground import run

    context = session().omega().context
    start = partial(_open, context, workers, labels)
    run(start, grace, lambda line: click.echo(f"context {context.settings.name!r}: {line}"))


@contextmanager
def _open(context: Context, workers: int | None, labels: tuple[str, ...]) -> Iterator[Group]:
    """Start the group, and look after the tasks that it holds, also when their clients have gone."""
    from omcore.runtimes.local import LocalRuntime
    from omcore.runtimes.scope import RuntimeChoice

    with closing(context), _local(context).open_group(workers, labels) as group:
        # what is handed out here goes to this group, and to nobody when that is being stopped
        context.choose_runtime(RuntimeChoice(LocalRuntime, {**context.settings.runtime.options, "shared": True}))
        context.hold(group.name)
        yield group


def _local(context: Context) -> LocalRuntime:
    from omcore.runtimes.local import LocalRuntime

    backend = context.runtime_backend
    if isinstance(backend, LocalRuntime):
        return backend
    message = (
        f"context {context.settings.name!r} runs its tasks on {context.settings.runtime.backend!r}, and 'om runtime "
        f"worker' serves the local runtime only; start that runtime's workers by its own means"
    )
    raise InvalidArgumentError(message)

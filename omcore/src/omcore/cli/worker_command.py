"""`om runtime worker`: workers that several clients share, of any runtime that can start them."""

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
    from omcore.runtimes.backend import Served, SupportsServe

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
    from omcore.runtimes.foreground import run

    context = session().omega().context
    start = partial(_open, context, workers, labels)
    run(start, grace, lambda line: click.echo(f"context {context.settings.name!r}: {line}"))


@contextmanager
def _open(context: Context, workers: int | None, labels: tuple[str, ...]) -> Iterator[Served]:
    """Start the workers, and look after the tasks that this process holds, also when their clients have gone."""
    with closing(context), _serving(context).open_group(workers, labels) as group:
        if group.name:
            context.hold(group.name)
        yield group


def _serving(context: Context) -> SupportsServe:
    from omcore.runtimes.backend import SupportsServe

    backend = context.runtime_backend
    if isinstance(backend, SupportsServe):
        return backend
    message = (
        f"context {context.settings.name!r} runs its tasks on {context.settings.runtime.backend!r}, whose workers 'om "
        f"runtime worker' cannot start; start them by that runtime's own means"
    )
    raise InvalidArgumentError(message)

"""`om doctor`: whether everything that a context names works."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import session, show
from omcore.masking import mask_text
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.context import Context
    from omcore.plugin import Listing

OK, BROKEN = "ok", "broken"
COLUMNS = ("check", "state", "detail")


@click.command(short_help="Open everything a context names and say what is broken.")
def doctor() -> None:
    """Open the context's storage and runtime, look at its plugins, keys and policies, and say what is broken.

    The exit code is 1 if something is.
    """
    context = session().omega().context
    rows = [*_examine(context)]
    show(rows, COLUMNS)
    if any(row["state"] == BROKEN for row in rows):
        raise click.exceptions.Exit(1)


def _examine(context: Context) -> Iterator[dict[str, Any]]:
    settings = context.settings
    yield _row("configuration", settings.place)
    yield from (_plugin(listing) for listing in context.host.listing() if listing.state not in ("ok", "denied"))
    yield _check(f"storage {settings.storage.backend}", lambda: mask_text(context.storage.address))
    yield _check("signing key", lambda: context.keys.own or "none: tasks and versions are not signed")
    for store in settings.promotion:
        yield _check(f"promotion into {store}", partial(_policies, context, store))
    yield _check(f"runtime {settings.runtime.backend}", lambda: _runtime(context))
    yield _check("workers", lambda: _workers(context))


def _row(check: str, detail: str, state: str = OK) -> dict[str, Any]:
    return {"check": check, "state": state, "detail": one_line(detail)}


def _plugin(listing: Listing) -> dict[str, Any]:
    state = "shut out" if listing.state == "not allowed" else BROKEN
    return _row(f"plugin {listing.info.name or listing.info.package}", f"{listing.state}: {listing.reason}", state)


def _check(name: str, examine: Callable[[], str]) -> dict[str, Any]:
    try:
        return _row(name, examine())
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is what the doctor is asked about
        return _row(name, mask_text(_described(error)), BROKEN)


def _described(error: Exception) -> str:
    from omcore.errors import OmError

    return str(error) if isinstance(error, OmError) else f"a bug, {reason(error)}"


def _policies(context: Context, store: str) -> str:
    context.policies(store)
    return ", ".join(section.policy for section in context.settings.promotion_of(store)) or "none"


def _runtime(context: Context) -> str:
    strengths = asdict(context.runtime_backend.strengths)
    return ", ".join(f"{name.replace('_', ' ')}: {_word(value)}" for name, value in strengths.items())


def _word(value: Any) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _workers(context: Context) -> str:
    backend = context.runtime_backend
    count = len(backend.workers())
    return f"{count} live, labels: {', '.join(sorted(backend.labels())) or 'none'}"

"""`om datasets`, `om models`, `om jobs` and `om scripts`: one group of commands, four times."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import FilePath, progress, session, show, show_json
from omcore.cli.results import print_value
from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Store

NAME = click.argument("name")
VERSION = click.option("--version", "version", metavar="VERSION", help="A number or an alias; else the current one.")
WHY = click.option("--why", default="", help="A sentence for the history.")
LONGEST_NUMBER = 10
"""Digits that a version's number may have."""

SHOWN = ("name", "version", "kind", "rows", "size", "created", "aliases")


_commands = click.Group()
"""The commands of every store; each finds out by the group it was called through which store is meant."""


def here() -> Store:
    """The store of the group that the running command was called through."""
    group = click.get_current_context().parent
    return session().omega().store(str(group.command.name) if group else "")


@_commands.command()
@click.argument("source")
@NAME
@click.option("--append", is_flag=True, help="Add the rows to those that are there.")
@click.option("--kind", help="The format; else what fits best.")
@click.option("--expected", type=click.IntRange(0), help="Only if this is the current version; 0 for none.")
@click.option("-a", "--attribute", "attributes", multiple=True, metavar="KEY=VALUE", help="Say something about it.")
@WHY
def put(
    source: str,
    name: str,
    append: bool,
    kind: str | None,
    expected: int | None,
    attributes: tuple[str, ...],
    why: str,
) -> None:
    """Store SOURCE as NAME: a new object, or a new version of it.

    \b
    datasets: a .csv, .parquet, .json or .npy file, any other file to keep it as it is, or - for JSON
    models:   package.module:factory, whose result is stored, or a file to keep it as it is
    jobs:     a notebook (.ipynb)
    scripts:  a .py file, or the folder of a package
    """  # noqa: D301 - click wants the character itself, to leave the lines as they are
    from omcore.cli.reading import read

    store = here()
    value = read(store.store, source)
    known = dict(pair(text) for text in attributes) or None
    with progress(f"storing {name}"):
        stored = store.put(value, name, known, append=append, kind=kind, expected=expected, why=why)
    print_value(stored)


@_commands.command()
@NAME
@click.argument("target", required=False, type=FilePath())
@VERSION
@click.option("-f", "--filter", "filters", multiple=True, metavar="COLUMN__OP=VALUE", help="Only such rows.")
def get(name: str, target: Path | None, version: str | None, filters: tuple[str, ...]) -> None:
    """Print NAME (or NAME[column,...]@VERSION), or write it to TARGET in the format of its suffix."""
    from omcore.cli.writing import write

    wanted = dict(pair(text) for text in filters)
    with progress(f"loading {name}"):
        value = here().get(name, as_version(version), filter=wanted or None)
    if target is None:
        print_value(value)
        return
    write(value, target)
    click.echo(f"wrote {target}", err=True)


@_commands.command("list")
@click.argument("pattern", required=False)
def list_(pattern: str | None) -> None:
    """What there is; PATTERN may hold * and ?."""
    show(map(row, here().describe(pattern)), SHOWN, empty=f"no {here().store} here")


@_commands.command()
@NAME
@VERSION
def metadata(name: str, version: str | None) -> None:
    """Everything that is known of NAME."""
    print_value(here().metadata(name, as_version(version)), full=True)


@_commands.command()
@NAME
def versions(name: str) -> None:
    """Every version of NAME, the oldest first."""
    show(map(row, here().versions(name)), ("version", "current", "kind", "rows", "size", "created", "author"))


@_commands.command()
@NAME
def history(name: str) -> None:
    """Every move of NAME's pointer, the oldest first."""
    columns = ("when", "who", "action", "before", "after", "why")
    moves = (asdict(move) for move in here().history(name))
    show(({**move, "when": datetime.fromisoformat(move["when"])} for move in moves), columns)


@_commands.command()
@NAME
@click.argument("alias")
@VERSION
def tag(name: str, alias: str, version: str | None) -> None:
    """Let NAME@ALIAS stand for a version."""
    print_value(here().tag(name, alias, as_version(version)))


@_commands.command()
@NAME
@click.argument("alias")
def untag(name: str, alias: str) -> None:
    """Remove an alias; its version stays."""
    here().untag(name, alias)


@_commands.command()
@NAME
@WHY
def drop(name: str, why: str) -> None:
    """Drop NAME; rollback brings it back until garbage collection."""
    here().drop(name, why)


@_commands.command()
@NAME
@click.option("--to", metavar="VERSION", help="A number or an alias; else the one that the current one replaced.")
@WHY
def rollback(name: str, to: str | None, why: str) -> None:
    """Make an earlier version the current one again."""
    print_value(here().rollback(name, as_version(to), why))


@_commands.command()
@NAME
@click.argument("target")
@VERSION
@click.option("--to-bucket", metavar="BUCKET", help="The bucket in TARGET; else the same as here.")
@click.option("--as", "asname", metavar="NAME", help="Its name in TARGET; else the same.")
@click.option("--dry-run", is_flag=True, help="Ask the policies and change nothing.")
@WHY
def promote(
    name: str,
    target: str,
    version: str | None,
    to_bucket: str | None,
    asname: str | None,
    dry_run: bool,
    why: str,
) -> None:
    """Copy a version of NAME to the context TARGET, if TARGET's policies allow it."""
    source, store = session().omega(), here().store
    there = session().omega(target)
    there = there if to_bucket is None else there[to_bucket]
    with progress(f"promoting {name}"):
        promotion = source.store(store).promote(
            name, there.store(store), as_version(version), asname=asname, dry_run=dry_run, why=why
        )
    if session().json:
        show_json(promotion.as_dict())
    else:
        click.echo(promotion)


def pair(text: str) -> tuple[str, Any]:
    """`key=value`; the value as JSON where it is JSON, else as text.

    Raises:
        InvalidArgumentError: there is no `=`.
    """
    from omcore.cli.reading import parse_json

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidArgumentError(f"{text!r} must have the form KEY=VALUE")
    try:
        return key, parse_json(value, key)
    except InvalidArgumentError:
        return key, value


def as_version(text: str | None) -> int | str | None:
    """A version from the command line: a number, or an alias."""
    short = text is not None and len(text) <= LONGEST_NUMBER
    return int(text) if text is not None and short and text.isascii() and text.isdigit() else text


def row(known: Any) -> dict[str, Any]:
    """Metadata as a row of a table; JSON shows all of it."""
    return {**known.as_dict(), "created": datetime.fromisoformat(known.created)}


def store_group(store: str) -> click.Group:
    """The group of one store."""
    return click.Group(store, _commands.commands, help=f"Keep {store}: named, versioned, never half written.")


datasets, models, jobs, scripts = map(store_group, ("datasets", "models", "jobs", "scripts"))

"""`om config`: what is in force."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import session, show_json, show_table
from omcore.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from omcore.config import ContextSettings, Section


@click.command(short_help="What is in force, and where each value came from.")
def config() -> None:
    """Show what is in force for the context, and where each value came from; secrets are hidden."""
    settings = session().settings()
    found = settings.settings(_secrets(settings))
    file = None if settings.file is None else str(settings.file)
    if session().json:
        rows = [asdict(one) for one in found]
        show_json({"context": settings.name, "file": file, "home": str(settings.home), "settings": rows})
        return
    click.echo(f"context {settings.name}, {file or 'no omcore.toml'}, local data in {settings.home}\n")
    show_table([[one.key, _text(one.value), one.origin] for one in found], ["KEY", "VALUE", "SET BY"])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _secrets(settings: ContextSettings) -> dict[str, Collection[str]]:
    """The options that the drivers in use declare to be secrets."""
    from omcore.plugin import PluginHost

    host = PluginHost(settings.plugins.allow, settings.plugins.deny)
    return {
        "storage": _declared(host.storage_backend, settings.storage),
        "runtime": _declared(host.runtime_backend, settings.runtime),
    }


def _declared(driver: Callable[[str], type[Any]], section: Section) -> Collection[str]:
    """What a section's driver declares secret; all of its options where nobody can tell."""
    from omcore.plugin.options import secret_options

    try:
        return secret_options(driver(section.backend))
    except PluginError:
        return section.hidden.keys()

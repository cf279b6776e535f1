"""`om plugins`: what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import session, show

if TYPE_CHECKING:
    from omcore.plugin import Listing

COLUMNS = ("name", "kind", "package", "version", "state", "reason")


@click.command(short_help="What is installed, from which package, in which state.")
def plugins() -> None:
    """List the plugins that are installed; no driver is imported."""
    from omcore.plugin import PluginHost

    settings = session().settings()
    host = PluginHost(settings.plugins.allow, settings.plugins.deny)
    show([_row(listing) for listing in host.listing()], COLUMNS)


def _row(listing: Listing) -> dict[str, Any]:
    from omcore.plugin.kinds import WORDS

    info = listing.info
    return {
        "name": info.name,
        "kind": WORDS.get(info.group, info.group),
        "package": info.package,
        "version": info.version,
        "target": info.target,
        "state": listing.state,
        "reason": listing.reason,
    }

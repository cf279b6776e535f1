"""`om contexts`: which environments there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import show
from omcore.errors import OmError

if TYPE_CHECKING:
    from omcore.config import ConfigFile

COLUMNS = ("name", "default", "extends", "storage", "runtime", "file", "trouble")


@click.command(short_help="The contexts that the configuration defines.")
def contexts() -> None:
    """List the contexts that the configuration defines; nothing is opened."""
    from omcore.config import load_file

    file = load_file()
    default = _default(file)
    show([_row(file, name, default) for name in file.contexts], COLUMNS)


def _default(file: ConfigFile) -> str | None:
    try:
        return file.default_name()
    except OmError:  # to list them is how one finds out
        return None


def _row(file: ConfigFile, name: str, default: str | None) -> dict[str, Any]:
    from omcore.config import load_settings

    row: dict[str, Any] = {
        "name": name,
        "default": name == default,
        "extends": file.contexts[name].get("extends"),
        "storage": None,
        "runtime": None,
        "file": None if file.path is None else str(file.path),
        "trouble": None,
    }
    try:
        settings = load_settings(file.path, context=name)
    except OmError as error:
        return {**row, "trouble": str(error)}
    return {**row, "storage": settings.storage.backend, "runtime": settings.runtime.backend}

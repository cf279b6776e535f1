"""Prints a value that came from a store or from a task."""

from __future__ import annotations

from typing import Any

import click

from omcore.cli.common import cell, session, show, show_table

MOST_ROWS = 20
"""Rows of a frame or an array that are printed for people."""


def print_value(value: Any, *, full: bool = False) -> None:
    """Print a value: JSON where `--json` asks for it, else a table or a few lines.

    Args:
        value: metadata, a frame, an array, or anything else.
        full: of metadata, every field on a line of its own instead of one line.
    """
    if session().json:
        from omcore.cli.writing import as_json

        click.echo(as_json(value))
    elif hasattr(value, "as_dict"):
        _print_metadata(value, full=full)
    elif hasattr(value, "to_frame") or hasattr(value, "columns"):
        _print_frame(value)
    elif hasattr(value, "shape"):
        _print_array(value)
    else:
        click.echo(value)


def _print_metadata(known: Any, *, full: bool) -> None:
    if full:
        show_table([[name, _json(value)] for name, value in known.as_dict().items()], ("FIELD", "VALUE"))
    else:
        click.echo(f"{known.store}/{known.name}@{known.version}  {known.kind}  {_amount(known)}")


def _amount(known: Any) -> str:
    return f"{known.size:,} bytes" if known.rows is None else f"{known.rows:,} rows  {known.size:,} bytes"


def _json(value: Any) -> str:
    if isinstance(value, dict | list):
        from pydantic_core import to_json

        return to_json(value).decode()
    return cell(value)


def _print_frame(value: Any) -> None:
    frame = value.to_pandas() if hasattr(value, "to_pandas") else value
    frame = frame.to_frame() if hasattr(frame, "to_frame") else frame
    head = frame.head(MOST_ROWS)
    columns = ["", *map(str, head.columns)]
    show_table([list(row) for row in head.itertuples(name=None)], columns)
    if len(frame) > MOST_ROWS:
        click.echo(f"... {len(frame) - MOST_ROWS:,} more rows; name a file to get them all")


def _print_array(value: Any) -> None:
    import numpy as np

    with np.printoptions(threshold=MOST_ROWS * 10, edgeitems=MOST_ROWS // 2):
        click.echo(value)


__all__ = ["print_value", "show"]

"""What a command needs: the session of its options, and ways to print.

@click.command(short_help="...")
def things() -> None:
    omega = session().omega()
    show([{"name": "a", "size": 1}], ["name", "size"])
"""

from omcore.cli.options import FilePath, Seconds, Session, session, take_common_options
from omcore.cli.output import cell, progress, show, show_json, show_table

__all__ = [
    "FilePath",
    "Seconds",
    "Session",
    "cell",
    "progress",
    "session",
    "show",
    "show_json",
    "show_table",
    "take_common_options",
]

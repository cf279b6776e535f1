"""`om migrate`: everything that a context keeps goes to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omcore.cli.common import progress, session, show_json, show_table
from omcore.cli.failures import Failure

if TYPE_CHECKING:
    from omcore.migration import Migration, Moved, Plan

COLUMNS = ("bucket", "store", "objects", "copied", "there_already", "left_out", "versions", "blobs", "bytes")


@click.command(short_help="Copy all objects, with all versions, to another context.")
@click.argument("source_context", metavar="SOURCE")
@click.argument("target_context", metavar="TARGET")
@click.option("--dry-run", is_flag=True, help="Compare, say what would be copied, and change nothing.")
@click.option(
    "--skip",
    multiple=True,
    metavar="NAME",
    help="Leave out an object, as datasets/sales or omega/datasets/sales, or all that fit 'jobs/*'; may be repeated.",
)
@click.option("--verify", is_flag=True, help="Read also the bytes that TARGET has already, and mend what is damaged.")
def migrate(source_context: str, target_context: str, dry_run: bool, skip: tuple[str, ...], verify: bool) -> None:
    """Copy every object of the context SOURCE, with all its versions, to the context TARGET.

    All buckets, or the one that --bucket names. Run it again after whatever ended it: it goes on.
    """
    try:
        from omcore.migration import make_plan

        source, target = session().omega(source_context), session().omega(target_context)
        with progress("comparing"):
            plan = make_plan(source.context.side, target.context.side, session().bucket, skip)
    except KeyboardInterrupt as error:
        raise Failure("interrupted before both contexts were compared; nothing was copied") from error
    migration = plan.migration if dry_run else _run(plan, verify)
    if session().json:
        show_json(migration.as_dict())
        return
    columns = [column for column in COLUMNS if column != "left_out" or migration.skipped]
    show_table([[row[column] for column in columns] for row in migration.rows()], [_heading(each) for each in columns])
    click.echo(migration)


def _run(plan: Plan, verify: bool) -> Migration:
    """Copy; of an interrupt, say how far it had come."""
    done: list[Moved] = []
    copied: list[float] = []
    try:
        with progress("migrating", plan.size, "bytes") as advance:

            def count(size: float) -> None:
                copied.append(size)
                advance(size)

            return plan.run(count, verify=verify, moved=done.append)
    except KeyboardInterrupt as error:
        target, total = plan.target.context, len(plan.migration.objects)
        come = f"interrupted after {len(done)} of {total} objects, with {sum(copied):,.0f} bytes copied"
        raise Failure(f"{come}; what can be seen in {target} is whole; run it again, and it goes on") from error


def _heading(column: str) -> str:
    return column.replace("_", " ").upper()

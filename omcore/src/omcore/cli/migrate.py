"""`om migrate`: everything that a context keeps goes to another one."""

from __future__ import annotations

import click

from omcore.cli.common import progress, session, show_json, show_table

COLUMNS = ("bucket", "store", "objects", "copied", "there_already", "versions", "blobs", "bytes")


@click.command(short_help="Copy all objects, with all versions, to another context.")
@click.argument("source_context", metavar="SOURCE")
@click.argument("target_context", metavar="TARGET")
@click.option("--dry-run", is_flag=True, help="Compare, say what would be copied, and change nothing.")
@click.option("--verify", is_flag=True, help="Read also the bytes that TARGET has already, and mend what is damaged.")
def migrate(source_context: str, target_context: str, dry_run: bool, verify: bool) -> None:
    """Copy every object of the context SOURCE, with all its versions, to the context TARGET.

    All buckets, or the one that --bucket names. Run it again after whatever ended it: it goes on.
    """
    from omcore.migration import make_plan

    source, target = session().omega(source_context), session().omega(target_context)
    with progress("comparing"):
        plan = make_plan(source.context.side, target.context.side, session().bucket)
    migration = plan.migration
    if not dry_run:
        with progress("migrating", plan.size, "bytes") as advance:
            migration = plan.run(advance, verify=verify)
    if session().json:
        show_json(migration.as_dict())
        return
    show_table([[row[column] for column in COLUMNS] for row in migration.rows()], [_heading(each) for each in COLUMNS])
    click.echo(migration)


def _heading(column: str) -> str:
    return column.replace("_", " ").upper()

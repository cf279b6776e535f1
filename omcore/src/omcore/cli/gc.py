"""`om gc`: delete the bytes that no version needs any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from omcore.cli.common import progress, session, show_json


@click.command(short_help="Delete the bytes that no version needs any more.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--keep-hours", type=click.FloatRange(1), default=24.0, show_default=True, help="Keep what is younger.")
def gc(dry_run: bool, keep_hours: float) -> None:
    """Delete what was dropped and what nothing refers to, if it is old enough, for all buckets of the context."""
    from dataclasses import asdict

    from omcore.objects.base import user_at_host
    from omcore.objects.retention import purge
    from omcore.storage.gc import collect

    grace = timedelta(hours=keep_hours)
    context = session().omega().context
    storage = context.storage
    with progress("collecting garbage"):
        tasks = 0 if dry_run else context.clear_tasks()
        purged = list(purge(storage, datetime.now(UTC) - grace, user_at_host(), dry_run=dry_run))
        report = collect(storage, grace, dry_run=dry_run)
    if session().json:
        show_json({"purged": [asdict(one) for one in purged], **asdict(report), "tasks": tasks, "dry_run": dry_run})
        return
    would = "would be " if dry_run else ""
    click.echo(f"{len(purged)} dropped objects and {report.deleted} blobs ({report.bytes:,} bytes) {would}deleted")
    if tasks:
        click.echo(f"{tasks} records of tasks that ended long ago deleted")

"""Runs the measurements that the command line names; all of them if it names none."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import click
from rich.console import Console

from benchmarks.harness import Pair, measure
from benchmarks.pairs import PAIRS
from benchmarks.report import as_table, write

RESULTS = Path(__file__).parent / "results"


@click.command(help="Measure the pairs whose names match one of PATTERN ('predict.*'), or all of them.")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--list", "only_list", is_flag=True, help="Show the pairs and their bars, and measure nothing.")
@click.option("--rounds", type=click.IntRange(min=1), help="Rounds for each pair, instead of its own number.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="The file for the results as JSON.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="The disk to work on.")
@click.option("--check", is_flag=True, help="End with exit code 1 if a bar is missed.")
def main(
    patterns: tuple[str, ...],
    only_list: bool,
    rounds: int | None,
    target: Path | None,
    folder: Path | None,
    check: bool,
) -> None:
    """Measure, print the table, write the JSON file."""
    chosen = _choose(patterns)
    if only_list:
        for pair in chosen:
            click.echo(f"{pair.name:24} {pair.ours}, against {pair.peer}; bar: {pair.bar or 'none'}")
        return
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(dir=folder) as work, console.status("setting up") as status:
        results = measure(chosen, Path(work), rounds, lambda number, name: status.update(f"round {number}: {name}"))
    Console(width=None if sys.stdout.isatty() else 160).print(as_table(results))
    target = target or RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    write(results, target)
    click.echo(f"written to {target}")
    if check and any(result.holds is False for result in results):
        sys.exit(1)


def _choose(patterns: tuple[str, ...]) -> list[Pair]:
    for pattern in patterns:
        if not any(fnmatch(pair.name, pattern) for pair in PAIRS):
            names = ", ".join(pair.name for pair in PAIRS)
            raise click.UsageError(f"no pair is called {pattern!r}; there are {names}")
    return [pair for pair in PAIRS if not patterns or any(fnmatch(pair.name, pattern) for pattern in patterns)]


if __name__ == "__main__":
    main()

"""Results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import psutil
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.harness import Result, Times

PACKAGES = ("omcore", "numpy", "pandas", "pyarrow", "scikit-learn", "loky")


def as_table(results: Sequence[Result]) -> Table:
    """The results as a table; times are in milliseconds."""
    table = Table("pair", "against", title="median and p95 in ms, ours and the peer's")
    for column in ("ours", "p95", "peer", "p95", "ratio", "over"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("bar", no_wrap=True)
    for result in results:
        ours, peer = result.ours, result.peer
        times = [_shown(time) for time in (ours.median, ours.p95, peer.median, peer.p95)]
        table.add_row(result.pair.name, result.pair.peer, *times, *_judged(result))
    return table


def _judged(result: Result) -> tuple[str, str, str]:
    bar = f"{result.pair.bar} {'kept' if result.holds else 'MISSED'}" if result.pair.bar else "none"
    return f"{result.ratio:.2f}x", _shown(result.over), bar


def _shown(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if abs(milliseconds) >= 100 else f"{milliseconds:.3g}"


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """The results, with all that was measured and on what."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load": list(os.getloadavg()),
            "memory": psutil.virtual_memory().total,
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "packages": {name: version(name) for name in PACKAGES},
        "pairs": [_as_json(result) for result in results],
    }


def _as_json(result: Result) -> dict[str, Any]:
    pair = result.pair
    return {
        "name": pair.name,
        "ours": {"what": pair.ours, **_times(result.ours)},
        "peer": {"what": pair.peer, **_times(result.peer)},
        "ratio": result.ratio,
        "over_ms": result.over,
        "bar": {"ratio": pair.bar.ratio, "over_ms": pair.bar.over} if pair.bar else None,
        "holds": result.holds,
    }


def _times(times: Times) -> dict[str, Any]:
    return {"best_ms": min(times.calls), "median_ms": times.median, "p95_ms": times.p95, "calls_ms": list(times.calls)}


def write(results: Sequence[Result], target: Path) -> None:
    """Write the results to a JSON file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(as_json(results), indent=2) + "\n")

"""Another client of a context, in a process of its own: what the kit asks it to do comes through its standard input."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from omcore.config import ContextSettings
from omcore.context import Context
from omcore.errors import TaskError
from omcore.omega import Omega
from omcore.worker import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def main() -> None:
    """Open the context that the first line holds, do what each further line says, and close it after the last."""
    begin = json.loads(sys.stdin.readline())
    with Omega(Context(ContextSettings.load(begin["contexts"].encode()), FUNCTIONS), begin["bucket"]) as om:
        for line in sys.stdin:
            order = json.loads(line)
            _tell(ORDERS[order.pop("do")](om, **order))
    _tell("closed")


def _tell(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def submit(om: Omega, orders: list[Any], heartbeat: float, key: str = "") -> list[str]:
    """Submit tasks that run the kit's script; give their ids."""
    scope = om.runtime.timeout(heartbeat=heartbeat)
    if key:
        scope = scope.idempotent(key)
    return [scope.script("actor").run(order, into="made").id for order in orders]


def status(om: Omega, task: str) -> str:
    """Where a task is."""
    return str(om.runtime.task(task).status)


def get(om: Omega, task: str, timeout: float) -> list[str]:
    """What came of a task: its class and its text."""
    try:
        value = om.runtime.task(task).get(timeout)
    except TaskError as error:
        return [type(error).__name__, str(error)]
    return [type(value).__name__, str(value)]


def cancel(om: Omega, task: str) -> None:
    """Cancel a task."""
    om.runtime.task(task).cancel()


def logs(om: Omega, task: str) -> str:
    """What a task has said so far."""
    return om.runtime.task(task).logs()


ORDERS: Mapping[str, Callable[..., Any]] = {act.__name__: act for act in (submit, status, get, cancel, logs)}
"""What it can be asked to do."""

if __name__ == "__main__":
    main()

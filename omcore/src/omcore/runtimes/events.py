"""What the runtime tells plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omcore.runtimes.task import Outcome, TaskSpec


@dataclass(frozen=True, slots=True)
class Submitting:
    """A task is about to be handed to the runtime.

    Attributes:
        spec: the task.
    """

    spec: TaskSpec


@dataclass(frozen=True, slots=True)
class Finished:
    """A task ended on this worker.

    Attributes:
        spec: the task.
        outcome: its value or its error.
        seconds: how long it ran.
    """

    spec: TaskSpec
    outcome: Outcome
    seconds: float

"""A task that somebody waits for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omcore.runtimes.task import State

if TYPE_CHECKING:
    from omcore.runtimes.progress import Progress


@dataclass
class Endless:
    """A task that never ends.

    Attributes:
        asked: how long it was waited for, each time.
    """

    id: str = "0123456789abcdef"
    status: State = State.STARTED
    progress: Progress | None = None
    asked: list[float | None] = field(default_factory=list)

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout)
        time.sleep(timeout or 0)
        return False

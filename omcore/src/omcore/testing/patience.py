"""How long the kit waits for what must happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from omcore.testing.gaps import KnownGaps
from omcore.testing.workloads import PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable


class Patient(KnownGaps):
    """Waits for things, and fails with a sentence when they do not come."""

    patience: ClassVar[float] = 60.0
    """Seconds to wait for what must happen, before the test fails."""

    def until(self, condition: Callable[[], object], otherwise: str) -> None:
        """Wait until a condition holds; fail with a sentence when it does not within `patience`."""
        until = time.monotonic() + self.patience
        while not condition():
            assert time.monotonic() < until, f"{otherwise}, waited {self.patience} seconds"
            time.sleep(PAUSE)

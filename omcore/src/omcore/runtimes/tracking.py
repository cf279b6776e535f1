"""What a handle asks about its task, whatever keeps the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.runtimes.progress import Progress
    from omcore.runtimes.task import Outcome, State


class Tracker(ABC):
    """What a handle asks."""

    id: str

    @abstractmethod
    def state(self) -> State:
        """Where the task is now."""

    @abstractmethod
    def wait(self, timeout: float | None) -> bool:
        """Wait until it has ended, at most so many seconds; say whether it has."""

    @abstractmethod
    def outcome(self) -> Outcome:
        """What came of it; asked when it has ended."""

    @abstractmethod
    def cancel(self) -> None:
        """Keep every result of it from becoming visible, and stop it where the runtime can."""

    @abstractmethod
    def progress(self) -> Progress | None:
        """How far it is, where it tells."""

    @abstractmethod
    def log(self, *, follow: bool) -> Iterator[str]:
        """What it printed, piece by piece; with `follow`, until it has ended."""

    @abstractmethod
    def explain(self) -> str:
        """Where it is and why, as a sentence."""

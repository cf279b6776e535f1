"""What all saboteurs are: the local runtime, seams to break it at, and the name of who catches them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from omcore.runtimes.local import LocalOptions, LocalRuntime, PoolOptions
from omcore.storage.backend import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.backend import Delivery, EngineHandle, EngineState, WorkerEntry


class Shadow:
    """A handle that says what the one behind it says."""

    def __init__(self, real: EngineHandle) -> None:
        self.real = real

    @property
    def state(self) -> EngineState:
        return self.real.state

    def wait(self, timeout: float | None) -> bool:
        return self.real.wait(timeout)

    def outcome(self) -> bytes:
        return self.real.outcome()

    def __repr__(self) -> str:
        return repr(self.real)


class Saboteur(LocalRuntime):
    """A local runtime that keeps every promise; subclasses break one each."""

    api_version = 1

    caught_by: ClassVar[str]
    """The test of the kit that must fail."""

    handle: ClassVar[type[Shadow]] = Shadow
    """What it gives for a submission."""

    @classmethod
    def started(cls, worker: WorkerEntry, offers: Sequence[frozenset[str]]) -> Self:
        """Start a runtime with one worker for each set of labels."""
        pools = {f"pool{number}": PoolOptions(labels=labels) for number, labels in enumerate(offers)}
        return cls(LocalOptions(workers=0, pools=pools), Place("kit", Path()), worker, {})

    def submit(self, delivery: Delivery) -> EngineHandle:
        return self.handle(super().submit(self.altered(delivery)))

    def altered(self, delivery: Delivery) -> Delivery:
        """What is delivered in place of a delivery."""
        return delivery

"""What an action has in hand on a worker: the object it is called on, its bucket, and a place for what it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.objects.codecs.base import Query
from omcore.objects.filterjson import filter_from_json
from omcore.objects.references import Pin
from omcore.runtimes.environment import here, mismatches
from omcore.runtimes.progress import Progress
from omcore.runtimes.task import PinValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.drafts import Draft, Plan
    from omcore.objects.versions import Version
    from omcore.omega import Omega, Store
    from omcore.runtimes.pulse import Attempt
    from omcore.runtimes.task import TaskSpec, Value


class TaskWork:
    """What the action of one task has in hand: its `Work`.

    Attributes:
        made: what is stored when the task ends.
        left: what is stored if it fails.
        attempt: whom progress is told; `None` where nobody asks.
    """

    def __init__(self, spec: TaskSpec, omega: Omega) -> None:
        self.made: list[tuple[Store, Draft]] = []
        self.left: list[tuple[Store, Draft]] = []
        self.attempt: Attempt | None = None
        self._spec = spec
        self._omega = omega
        self._context = omega.context

    def load(self, *, fresh: bool = False) -> Any:
        """The object that the action is called on."""
        pin = self._spec.object
        if fresh:
            return self._read(pin)
        return self._context.loaded.get(pin.model_dump_json(), lambda: (self._read(pin), self._size(pin)))

    @property
    def om(self) -> Omega:
        """The bucket that the task works in: what a program knows as `om`."""
        return self._omega

    @property
    def pin(self) -> Pin:
        """The version that the action is called on."""
        return pin_of(self._spec.object)

    def argument(self, value: Value) -> Any:
        """A value that the action is called with."""
        return self._read(value) if isinstance(value, PinValue) else self._context.values.decode(value)

    def store(self, value: Any, *, into: str | None = None, store: str = "datasets") -> Draft:
        """Store a value when the task ends."""
        spec = self._spec
        kind, name = (spec.object.store, spec.object.name) if into is None else (store, into)
        place, draft = self._to_stage(value, kind, name, into)
        self.made.append((place, draft))
        return draft

    def leave(self, value: Any, *, into: str, store: str) -> None:
        """Store a value if the task fails."""
        self.left.append(self._to_stage(value, store, into, into))

    def _to_stage(self, value: Any, kind: str, name: str, into: str | None) -> tuple[Store, Draft]:
        place = self._omega.store(kind)
        return place, place.stage(value, name, provenance=self.provenance(into), action=self._spec.action)

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Tell how far the action is."""
        if self.attempt is not None:
            self.attempt.progress = Progress(done=done, total=total, unit=unit).model_dump()

    def provenance(self, into: str | None) -> dict[str, Any]:
        """How what the task makes comes to be: `into` a dataset, or as a version of the object itself."""
        spec = self._spec
        pins = {name: value for name, value in spec.arguments.items() if isinstance(value, PinValue)}
        provenance: dict[str, Any] = {
            "task": spec.id,
            "action": spec.action,
            "object": str(pin_of(spec.object)),
            "inputs": [str(pin_of(value)) for value in pins.values()],
        }
        filters = {name: value.filter for name, value in pins.items() if value.filter is not None}
        if filters:
            provenance["filters"] = filters
        if into is None and spec.object.store == "models":
            provenance["environment"] = dict(here())
        return provenance

    # --- what its worker asks

    def load_libraries(self) -> None:
        """Load what reads the object and the inputs: libraries are the worker's, and not on the task's account."""
        pins = [value for value in (self._spec.object, *self._spec.arguments.values()) if isinstance(value, PinValue)]
        for pin in pins:
            self._context.codecs.for_kind(self._version(pin).content.kind)

    def mismatches(self) -> Sequence[str]:
        """What is of another version here than where the object was fitted; looked at once for each version of it."""
        found: Sequence[str] = self._context.loaded.get(
            ("environment", self._spec.object.id), lambda: (self._compared_with_here(), 0)
        )
        return found

    def _compared_with_here(self) -> Sequence[str]:
        recorded = self._version(self._spec.object).provenance.get("environment")
        return mismatches(recorded, here()) if isinstance(recorded, dict) else ()

    # --- stored objects

    def _read(self, pin: PinValue) -> Any:
        rows = None if pin.filter is None else filter_from_json(pin.filter)
        return self._omega.store(pin.store).load(pin_of(pin), Query(pin.columns, rows))

    def _size(self, pin: PinValue) -> int:
        return sum(part.size for part in self._version(pin).content.parts)

    def _version(self, pin: PinValue) -> Version:
        return self._omega.store(pin.store).pinned_version(pin_of(pin))


def pin_of(value: PinValue) -> Pin:
    """A pin from a message, checked."""
    return Pin(value.store, value.name, value.version, value.id, value.columns)


def pin_of_plan(plan: Plan) -> PinValue:
    """The version that a plan makes, as a task tells it."""
    version = plan.version
    return PinValue(store=version.store, name=version.name, version=version.number, id=version.id)

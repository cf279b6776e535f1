"""Where a task would run, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.runtimes.backend import WorkerInfo


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a task would run, and why; its text says it in sentences.

    Attributes:
        require: the labels that its worker must offer.
        by_object: whether the object's attributes require them, and not the call.
        meanings: what each of the labels means to the runtime, as the context's vocabulary says.
        live: the live workers.
    """

    require: frozenset[str]
    by_object: bool
    meanings: Mapping[str, Mapping[str, Any]]
    live: tuple[WorkerInfo, ...]

    @property
    def workers(self) -> tuple[WorkerInfo, ...]:
        """The live workers that would take it."""
        return tuple(worker for worker in self.live if self.require <= worker.labels)

    @property
    def served(self) -> bool:
        """Whether there is one."""
        return bool(self.workers)

    def __str__(self) -> str:
        return "\n".join((self._required(), *self._meant(), self._taken()))

    def _required(self) -> str:
        if not self.require:
            return "it requires no label, so any worker may take it"
        who = "the object's attributes require" if self.by_object else "the call requires"
        return f"{who} a worker that offers {listed(self.require)}"

    def _meant(self) -> list[str]:
        return [
            f"{label!r} means {', '.join(f'{key} {value!r}' for key, value in self.meanings[label].items())}"
            for label in sorted(self.meanings)
            if self.meanings[label]
        ]

    def _taken(self) -> str:
        fitting = self.workers
        if fitting:
            busy = sum(len(worker.running) >= worker.capacity for worker in fitting)
            return f"{len(fitting)} of {len(self.live)} live workers would take it, {busy} of them busy now: " + listed(
                worker.id for worker in fitting
            )
        offered = listed(frozenset[str]().union(*(worker.labels for worker in self.live)))
        return f"none of the {len(self.live)} live workers would take it; the labels offered are: {offered}"

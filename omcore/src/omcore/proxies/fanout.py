"""A call on a dataset of several parts becomes a task for some of its rows each."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from omcore.objects.sharing import share
from omcore.proxies.pieces import SWITCH
from omcore.runtimes.task import NO_RETRY, JsonValue, PinValue, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omcore.objects.parted import PartedObject
    from omcore.proxies.pieces import Pieces
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.task import TaskSpec, Value

A_SLOT = 4
"""Tasks for each task that the workers can run at once: so the quick ones take over from the slow ones."""

MOST = 512
"""Tasks that a call becomes at most."""


def shared_argument(arguments: Mapping[str, Value], pieces: Pieces | None) -> PinValue | None:
    """The dataset that a call asks to be shared out; `None` where it asks for none, or gives none that is stored."""
    asked = arguments.get(SWITCH)
    if pieces is None or not isinstance(asked, JsonValue) or asked.value is not True:
        return None
    data = arguments.get(pieces.data)
    return data if isinstance(data, PinValue) and data.store == "datasets" else None


def slots(backend: RuntimeBackend, require: frozenset[str]) -> int:
    """How many tasks that require these labels the live workers run at once; 1 where there are none."""
    return max(1, sum(worker.capacity for worker in backend.workers() if require <= worker.labels))


def spans(parted: PartedObject, most: int) -> list[tuple[int, int]]:
    """The rows of each task: whole pieces, and about as many bytes."""
    ends = [0, *accumulate(parted.rows)]
    found = [(ends[group.start], ends[group.stop]) for group in share(parted.sizes, min(MOST, most))]
    return [span for span in found if span[0] < span[1]]


def children(spec: TaskSpec, pieces: Pieces, rows: Sequence[tuple[int, int]]) -> list[TaskSpec]:
    """The tasks that do a task together."""
    data = spec.arguments[pieces.data]
    arguments = {**spec.arguments, SWITCH: JsonValue(value=False)}
    parts = [{**arguments, pieces.data: data.model_copy(update={"rows": each})} for each in rows]
    return [
        spec.model_copy(update={"id": new_id(), "parent": spec.id, "call": "", "arguments": part}) for part in parts
    ]


def parent_of(spec: TaskSpec) -> TaskSpec:
    """A task as the record tells of it that others do together: what bounds a run bounds each of theirs."""
    return spec.model_copy(update={"timeout": None, "start_timeout": None, "memory": None, "retry": NO_RETRY})

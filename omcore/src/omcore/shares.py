"""One run of one share of a call that several workers do together, and the end of that call by the last of them."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, TaskLostError, TaskNotFoundError
from omcore.execution import Execution
from omcore.objects.codecs.base import Query
from omcore.objects.drafts import Draft
from omcore.objects.filterjson import filter_from_json
from omcore.proxies.partitioned import Share, together
from omcore.runtimes import family, lease
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.events import Finished
from omcore.runtimes.sessions import worker_id
from omcore.runtimes.task import JsonValue, Outcome, PinValue, State
from omcore.runtimes.tasktable import outcome_of
from omcore.work import TaskWork, pin_of, pin_of_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omcore.objects.codecs.base import Content
    from omcore.objects.drafts import Plan
    from omcore.objects.parted import PartedObject
    from omcore.objects.registry import CodecRegistry
    from omcore.omega import Omega, Store
    from omcore.proxies.base import Action, RuntimeProxy
    from omcore.proxies.pieces import Pieces
    from omcore.proxies.values import ValueCoder
    from omcore.runtimes.claims import Claim
    from omcore.runtimes.task import TaskSpec, Value
    from omcore.storage.backend import Change, Record, StorageBackend

MOST_TRIES = 1000
"""How often a share that has ended is noted in the record of the call while others note theirs."""


def execution_of(spec: TaskSpec, omega: Omega, *, alone: bool = False, here: bool = False) -> Execution:
    """What runs a task; the arguments are those of `Execution`."""
    kind = ShareExecution if spec.parent else Execution
    return kind(spec, omega, alone=alone, here=here)


class ShareWork(TaskWork):
    """What the action of a share has in hand, and what cuts its arguments and keeps its results."""

    @property
    def values(self) -> ValueCoder:
        """Encodes and decodes."""
        return self._context.values

    @property
    def codecs(self) -> CodecRegistry:
        """The codecs."""
        return self._context.codecs

    @property
    def storage(self) -> StorageBackend:
        """Where results go."""
        return self._context.storage

    def parted(self, pin: PinValue) -> PartedObject:
        """A stored dataset, piece by piece; what is known of it is kept for the next share."""
        whole = pin.model_copy(update={"rows": None})
        found: PartedObject = self._context.loaded.get(
            ("parted", self._omega.bucket, whole.model_dump_json()), lambda: (self._parted(whole), 0)
        )
        return found

    def _parted(self, pin: PinValue) -> PartedObject:
        rows = None if pin.filter is None else filter_from_json(pin.filter)
        return self._omega.store(pin.store).parted(pin_of(pin), Query(pin.columns, rows))


class ShareExecution(Execution):
    """One run of a task that does a share of its parent."""

    _work: ShareWork
    _result: Draft | Value | None = None

    def __init__(self, spec: TaskSpec, omega: Omega, *, alone: bool = False, here: bool = False) -> None:
        """Prepare a run; the arguments are those of `Execution`."""
        super().__init__(spec, omega, alone=alone, here=here)
        self._work = ShareWork(spec, omega)

    # --- the run

    @cached_property
    def _action(self) -> tuple[type[RuntimeProxy], Action[..., Any], Pieces]:
        spec = self._spec
        kind = self._context.host.proxy(spec.proxy, asked_by=f"task {spec.id}")
        act = kind.find_action(spec.action)
        if act.pieces is None:
            message = f"task {spec.id} is a share of {spec.action}, which cannot be shared out here; upgrade the worker"
            raise TaskLostError(message, spec.id)
        return kind, act, act.pieces

    def _encoded(self, result: Any) -> Value:
        """The share has written what it made already."""
        value: Value = result
        return value

    def _call(self) -> Value:
        return self._share.run(self._apply)

    @cached_property
    def _share(self) -> Share:
        return Share(self._spec.arguments, self._action[2], self._work)

    def _apply(self, arguments: Any) -> Any:
        kind, act, pieces = self._action
        proxy = kind(self._work, self._spec.object.name)
        return getattr(proxy, pieces.part)(**arguments) if pieces.part else act.body(proxy, **arguments)

    # --- the end

    def _publish(self, result: Draft | Value, claim: Claim | None, seconds: float) -> Outcome:
        """Note in the record of the call that this share is done; the last one stores the result of all."""
        if claim is None:
            raise TaskLostError(f"task {self._spec.id} is a share of another one and has no record", self._spec.id)
        outcome = self._outcome(State.SUCCESS, seconds=seconds, value=result)
        log = self._last_log()
        for tries in range(MOST_TRIES):
            ending = self._ending(outcome)
            try:
                recorded = self._context.records.finish(claim, outcome, [*ending.changes, *log])
            except ConflictError:
                time.sleep(random.uniform(0, min(0.05, 0.001 * (tries + 1))))  # noqa: S311 - only not in step
                continue
            self._announce(ending)
            return recorded
        message = f"task {self._spec.id} could not note that it is done: others kept changing the same records"
        raise TaskLostError(message, self._spec.id)

    def _ending(self, outcome: Outcome) -> _Ending:
        """What to commit together with the end of this share."""
        records, spec = self._context.records, self._spec
        parent = self._open_parent()
        if parent is None:
            return _Ending()
        if not family.is_last(parent.body, spec.id):
            return _Ending((records.advance(parent, spec.id, self._share.rows),))
        whole = self._whole(parent, outcome)
        plans = [(store, store.plan(draft)) for store, draft in self._work.made]
        value = pin_of_plan(plans[0][1]) if isinstance(whole, Draft) else whole
        took = records.now() - parent.body["started"]
        ended = Outcome(id=spec.parent, state=State.SUCCESS, value=value, worker=worker_id(), seconds=took)
        changes = [change for _, plan in plans for change in plan.changes]
        advanced = records.advance(parent, spec.id, self._share.rows)
        last = records.ending(replace(parent, body=advanced.body), ended)
        return _Ending((*changes, last), tuple(plans), ended)

    def _open_parent(self) -> Record | None:
        """The record of the call; `None` if it has ended, so that this share was done in vain."""
        try:
            parent = self._context.records.record(self._spec.parent)
        except TaskNotFoundError:
            return None
        return None if lease.has_ended(parent.body) else parent

    def _whole(self, parent: Record, outcome: Outcome) -> Draft | Value:
        """The result of all shares, put together once."""
        if self._result is None:
            self._result = self._assembled([*self._siblings(parent, outcome)])
        return self._result

    def _siblings(self, parent: Record, outcome: Outcome) -> Iterator[Value]:
        """What each share came to, in order."""
        found = self._context.records.records(family.children_of(parent.body))
        for child in family.children_of(parent.body):
            ended = outcome if child == self._spec.id else outcome_of(found[child]) if child in found else None
            if ended is None or ended.value is None:
                message = f"task {self._spec.parent} cannot be ended: the result of its share {child} is gone"
                raise TaskLostError(message, self._spec.parent)
            yield ended.value

    def _assembled(self, values: Sequence[Value]) -> Draft | Value:
        pieces = self._action[2]
        if pieces.merge is not None:
            results = [self._work.values.decode(value) for value in values if not isinstance(value, PinValue)]
            return self._work.values.encode(pieces.merge([each for result in results for each in result]))
        content = together(values, self._work, lambda: self._share.run_empty(self._apply))
        into = self._spec.arguments.get("into")
        if not isinstance(into, JsonValue) or into.value is None:
            return self._work.values.wrap(content)
        return self._staged(content, str(into.value))

    def _staged(self, content: Content, into: str) -> Draft:
        store = self._omega.datasets
        provenance = {**self._work.provenance(into), "task": self._spec.parent}
        draft = store.stage_content(
            content, into, provenance=provenance, action=self._spec.action, shown=store.parted_content(content)
        )
        self._work.made.append((store, draft))
        return draft

    def _announce(self, ending: _Ending) -> None:
        """Tell plugins what was stored, and that the call has ended."""
        for store, plan in ending.plans:
            store.announce(plan)
        if ending.outcome is not None:
            spec = SealedTask(self._context.records.envelope(self._spec.parent)).unverified
            self._context.host.tell_task(Finished(spec, ending.outcome, ending.outcome.seconds))


@dataclass(frozen=True, slots=True)
class _Ending:
    """What is committed together with the end of a share.

    Attributes:
        changes: all of it.
        plans: the version that it stores.
        outcome: how the call ends, where this share is the last.
    """

    changes: tuple[Change, ...] = ()
    plans: tuple[tuple[Store, Plan], ...] = ()
    outcome: Outcome | None = None

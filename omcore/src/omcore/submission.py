"""The client's side of a task: from a call on a proxy to a handle."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, InvalidArgumentError
from omcore.objects.references import Pin
from omcore.proxies.fanout import A_SLOT, children, parent_of, shared_argument, slots, spans
from omcore.runtimes import detached
from omcore.runtimes.backend import ENGINE, Delivery
from omcore.runtimes.durabletask import DurableTracker
from omcore.runtimes.errordata import to_data
from omcore.runtimes.events import Submitting
from omcore.runtimes.explanation import Explanation
from omcore.runtimes.handle import Handle
from omcore.runtimes.lighttask import EndedTracker, LightTracker
from omcore.runtimes.task import Outcome, PinValue, State, TaskSpec
from omcore.runtimes.together import Together
from omcore.specs import SpecMaker, required_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omcore.omega import Omega
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.engine import Call, TaskOptions
    from omcore.runtimes.scope import Scope
    from omcore.runtimes.task import Value
    from omcore.runtimes.tasklist import TaskInfo
    from omcore.signing import KeyRing


class Submitter:
    """Submits the tasks of one bucket; the engine behind `om.runtime`."""

    def __init__(self, omega: Omega) -> None:
        self._omega = omega
        self._context = omega.context
        self._maker = SpecMaker(omega)

    @property
    def auth(self) -> KeyRing:
        """The keys that sign tasks."""
        return self._context.auth

    def backend(self) -> RuntimeBackend:
        """The runtime backend, connected."""
        return self._context.runtime_backend

    def proxy(self, name: str) -> Callable[[Scope, str], Any]:
        """The proxy class of that name."""
        return self._context.host.proxy(name, asked_by=f"om.runtime.{name}")

    def handle(self, task_id: str) -> Handle:
        """The handle of a durable task."""
        self._context.records.state(task_id)
        return self._durable_handle(task_id)

    def tasks(self, state: State | None) -> Sequence[TaskInfo]:
        """The durable tasks."""
        return list(self._context.records.find(state))

    def submit(self, call: Call, options: TaskOptions) -> Handle:
        """Make a task of the call and hand it to the runtime.

        Raises:
            ObjectNotFoundError: the object, or a dataset that an argument names, is not there.
            NoWorkerError: no live worker offers the labels, and neither the scope nor the context says wait.
            UnsupportedTypeError: an argument has a type that cannot travel.
            VetoError: a plugin refused.
        """
        spec = self._maker.make(call, options)
        self._context.host.veto_submit(Submitting(spec))
        kind = self._context.host.proxy(call.proxy, asked_by=f"om.runtime.{call.proxy}")
        pieces = kind.find_action(call.action).pieces
        if (data := shared_argument(spec.arguments, pieces)) and pieces is not None:
            rows = self._spans(data, spec, options)
            if len(rows) > 1:
                return self._submit_family(parent_of(spec), children(spec, pieces, rows), rows[-1][1], options)
        if not spec.durable:
            return self._submit_light(spec, options)
        envelope = spec.seal(self.auth)
        records = self._context.records
        try:
            records.create(spec, envelope, self._context.keeper.publisher())
        except ConflictError:
            return self._known(spec)
        try:
            self._start(spec, envelope, options)
        except BaseException as error:  # nobody will run it, and nobody would ever say so
            records.end(Outcome(id=spec.id, state=State.LOST, error=to_data(error)))
            raise
        return self._durable_handle(spec.id)

    def _spans(self, data: PinValue, spec: TaskSpec, options: TaskOptions) -> list[tuple[int, int]]:
        """The rows of each of the tasks that do a task together."""
        pin = Pin(data.store, data.name, data.version, data.id)
        parted = self._omega.datasets.parted(pin)
        if len(parted.rows) < 2:
            return []
        if options.local:
            return spans(parted, A_SLOT)
        each = 1 if self._is_detached(frozenset(spec.require), options) else A_SLOT
        return spans(parted, each * slots(self._context.runtime_backend, frozenset(spec.require)))

    def _submit_family(self, spec: TaskSpec, parts: Sequence[TaskSpec], total: int, options: TaskOptions) -> Handle:
        """Submit tasks that do one together; that one is never delivered."""
        records, keeper = self._context.records, self._context.keeper
        sealed = [(part, part.seal(self.auth)) for part in parts]
        try:
            records.create_family((spec, spec.seal(self.auth)), sealed, total, keeper.publisher())
        except ConflictError:
            return self._known(spec)
        try:
            for part, envelope in sealed:
                self._start(part, envelope, options)
        except BaseException as error:  # nobody will run all of them
            records.end(Outcome(id=spec.id, state=State.LOST, error=to_data(error)))
            raise
        engines = [engine for part in parts if (engine := keeper.engine(part.id)) is not None]
        if engines:
            keeper.watch(spec.id, Together(spec.id, engines), ENGINE)
        return self._durable_handle(spec.id)

    def explain(self, store: str, reference: str | None, options: TaskOptions) -> Explanation:
        """What a task would require, who says so, and which workers would take it."""
        pinned = None if reference is None else self._omega.store(store).pin(reference)
        own = frozenset[str]() if pinned is None or options.require else required_labels(pinned)
        require = options.require or own
        meanings = {label: self._context.settings.labels.get(label, {}) for label in require}
        workers = tuple(self._context.runtime_backend.workers())
        return Explanation(require, bool(own), meanings, workers)

    def decode(self, value: Value) -> Any:
        """A task's value; a version that it stored as that version's metadata."""
        if isinstance(value, PinValue):
            return self._omega.store(value.store).metadata(f"{value.name}@{value.version}")
        return self._context.values.decode(value)

    def _known(self, spec: TaskSpec) -> Handle:
        """The handle of the task that was submitted before with the same idempotency key."""
        before = self._context.records.record(spec.id).body
        if before["call"] != spec.call:
            message = (
                f"the idempotency key of this call of {spec.action} on {spec.object.name!r} was used before for "
                f"another one, {before['action']} on {before['object']} (task {spec.id}); give each call its own key"
            )
            raise InvalidArgumentError(message)
        return self._durable_handle(spec.id)

    # --- from spec to engine

    def _submit_light(self, spec: TaskSpec, options: TaskOptions) -> Handle:
        if options.local:
            return Handle(EndedTracker(self._context.functions.run_here(spec, self._omega)), self.decode)
        delivery = self._delivery(spec, spec.seal(self.auth))
        again = partial(self._context.runtime_backend.submit, delivery)
        tracker = LightTracker(spec.id, again(), self._cancel, again, spec.expires, spec.deliveries)
        return Handle(tracker, self.decode)

    def _durable_handle(self, task_id: str) -> Handle:
        context = self._context
        tracker = DurableTracker(
            task_id, context.records, context.logs, context.keeper, self._cancel, lambda: context.runtime_backend
        )
        return Handle(tracker, self.decode, bar=context.settings.tasks.bar)

    def _start(self, spec: TaskSpec, envelope: bytes, options: TaskOptions) -> None:
        if options.local:
            self._finish_here(spec)
            return
        delivery = self._delivery(spec, envelope)
        backend = self._context.runtime_backend
        if self._is_detached(delivery.require, options):
            detached.start(self._context.worker_entry, delivery, self._context.place.home / "tasks")
        else:
            self._context.keeper.watch(spec.id, backend.submit(delivery), backend.holder(delivery.require))

    def _is_detached(self, require: frozenset[str], options: TaskOptions) -> bool:
        """Whether a task gets a process of its own, because the runtime would end it with this one."""
        return options.detached and self._context.runtime_backend.holder(require) is None

    def _delivery(self, spec: TaskSpec, envelope: bytes) -> Delivery:
        return Delivery(spec.id, envelope, frozenset(spec.require), spec.longest, spec.deliveries)

    def _finish_here(self, spec: TaskSpec) -> None:
        """Run a durable task in this process, as often as its rules say."""
        while not (outcome := self._context.functions.run_here(spec, self._omega)).state.final:
            body = self._context.records.record(spec.id).body
            if outcome.state is not State.RETRY or body["due"] is None:  # somebody else has taken it
                return
            time.sleep(max(0.0, body["due"] - self._context.records.now()))
        if not outcome.recorded:
            self._context.records.end(outcome)

    def _cancel(self, task_id: str) -> None:
        self._context.runtime_backend.cancel(task_id)

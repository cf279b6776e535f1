"""The client's side of a task: from a call on a proxy to a handle."""

from __future__ import annotations

import hashlib
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, InvalidArgumentError, NoWorkerError
from omcore.objects.filterjson import filter_to_json
from omcore.objects.lazy import LazyObject
from omcore.objects.metadata import Metadata
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
from omcore.runtimes.rules import NO_RULES, make_rules
from omcore.runtimes.task import Outcome, PinValue, State, TaskSpec, new_id
from omcore.runtimes.together import Together
from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.objects.reading import Pinned
    from omcore.omega import Omega
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.records import TaskInfo
    from omcore.runtimes.rules import TaskRules
    from omcore.runtimes.scope import Call, Scope, TaskOptions
    from omcore.runtimes.task import Value
    from omcore.signing import KeyRing


VALID = 30 * 86_400.0
"""Seconds after which no worker takes the message of a task, whatever its rules say."""


class Submitter:
    """Submits the tasks of one bucket; the engine behind `om.runtime`."""

    def __init__(self, omega: Omega) -> None:
        self._omega = omega
        self._context = omega.context

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
        spec = self._spec(call, options)
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

    # --- from call to spec

    def _spec(self, call: Call, options: TaskOptions) -> TaskSpec:
        pinned = self._omega.store(call.store).pin(call.object)
        settings = self._context.settings.tasks
        require = options.require or required_labels(pinned)
        if not options.local:
            self._check_labels(require, wait=settings.wait if options.wait is None else options.wait)
        rules = options.rules.over(required_rules(pinned).over(settings)) if _has_rules(pinned, options) else settings

        durable = call.durable or options.durable
        now = time.time()
        spec = TaskSpec(
            id=new_id(),
            context=self._context.settings.name,
            fingerprint=self._context.fingerprint,
            bucket=self._omega.bucket,
            proxy=call.proxy,
            object=pin_value(pinned),
            action=call.action,
            arguments=self._arguments(call),
            require=tuple(sorted(require)),
            durable=durable,
            submitted=now,
            **_limits(rules, now, durable=durable),
        )
        return self._keyed(spec, options.key) if options.key else spec

    def _keyed(self, spec: TaskSpec, key: str) -> TaskSpec:
        """The task under the id that its idempotency key gives it."""
        name = json.dumps([spec.fingerprint, spec.bucket, key])
        arguments = {name: _without_version(value) for name, value in spec.arguments.items()}
        call = json.dumps([spec.proxy, _without_version(spec.object), spec.action, arguments], sort_keys=True)
        return spec.model_copy(update={"id": _digest(name), "call": _digest(call)})

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

    def _arguments(self, call: Call) -> Mapping[str, Value]:
        return {
            name: self._pin_data(value) if name in call.data and isinstance(value, str) else self._encode(value)
            for name, value in call.arguments.items()
        }

    def _pin_data(self, reference: str) -> PinValue:
        return pin_value(self._omega.datasets.pin(reference))

    def _encode(self, value: Any) -> Value:
        if isinstance(value, LazyObject):
            rows = None if value.query.filter is None else filter_to_json(value.query.filter)
            return self._pin_known(value.metadata).model_copy(update={"columns": value.query.columns, "filter": rows})
        if isinstance(value, Metadata):
            return self._pin_known(value)
        return self._context.values.encode(value)

    def _pin_known(self, known: Metadata) -> PinValue:
        if (known.context, known.bucket) != (self._context.settings.name, self._omega.bucket):
            message = (
                f"{known!r} is in bucket {known.bucket!r} of context {known.context!r}, and the task runs in bucket "
                f"{self._omega.bucket!r} of {self._context.settings.name!r}; promote it there first"
            )
            raise InvalidArgumentError(message)
        return PinValue(store=known.store, name=known.name, version=known.version, id=known.id)

    def _check_labels(self, require: frozenset[str], *, wait: bool) -> None:
        backend = self._context.runtime_backend
        if wait or backend.serves(require):
            return
        asked = f"offers {listed(require)}" if require else "is there"
        message = (
            f"no live worker of context {self._context.settings.name!r} {asked}; the labels offered are: "
            f"{listed(backend.labels())}. Start such a worker, or let the task wait for one (--wait, or "
            f"om.runtime.wait())"
        )
        raise NoWorkerError(message)

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


def pin_value(pinned: Pinned) -> PinValue:
    """A pinned version as a task carries it."""
    pin = pinned.pin
    return PinValue(store=pin.store, name=pin.name, version=pin.version, id=pin.id, columns=pin.columns)


def _limits(rules: TaskRules, now: float, *, durable: bool) -> dict[str, Any]:
    """The fields of a task that its rules set."""
    fields: dict[str, Any] = {"timeout": rules.timeout, "start_timeout": rules.start_timeout, "memory": rules.memory}
    known = {
        "lease": rules.heartbeat,
        "retry": rules.retry,
        "deliveries": rules.deliveries,
        "environment": rules.environment,
    }
    fields.update({name: value for name, value in known.items() if value is not None})
    total = rules.total_timeout
    fields["deadline"] = None if total is None else now + total
    if durable:
        return {**fields, "expires": now + VALID}
    waits = [limit for limit in (rules.start_timeout, total) if limit is not None]
    runs = [limit for limit in (rules.timeout, total) if limit is not None]
    return {**fields, "timeout": min(runs, default=None), "expires": now + min(waits, default=VALID)}


def _without_version(value: Value) -> Any:
    """What a value says that is the same when a call is repeated after its inputs have new versions."""
    if isinstance(value, PinValue):
        return value.model_dump(mode="json", exclude={"version", "id"})
    return value.model_dump(mode="json")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _has_rules(pinned: Pinned, options: TaskOptions) -> bool:
    """Whether anybody but the configuration says how the task is run."""
    return options.rules is not NO_RULES or "task" in pinned.attributes


def required_rules(pinned: Pinned) -> TaskRules:
    """The rules in an object's attributes: `{"task": {"timeout": 60, "retry": {"times": 3}}}`.

    Raises:
        InvalidArgumentError: the attribute has another form.
    """
    said = pinned.attributes.get("task")
    if said is None:
        return NO_RULES
    where = f"the attribute 'task' of {pinned.pin.store}/{pinned.pin.name}"
    if not isinstance(said, dict):
        raise InvalidArgumentError(f"{where} is {said!r} but must be a table of rules such as {{'timeout': 60}}")
    return make_rules(said, where)


def required_labels(pinned: Pinned) -> frozenset[str]:
    """The labels that an object's attributes require: `{"require": {"label": "gpu"}}`, a label, or a list of them.

    Raises:
        InvalidArgumentError: the attribute has another form.
    """
    require = pinned.attributes.get("require")
    if isinstance(require, dict):
        require = require.get("label", require.get("labels"))
    labels = [require] if isinstance(require, str) else (require or [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        message = (
            f"the attribute 'require' of {pinned.pin.store}/{pinned.pin.name} is {require!r} but must be a label, a "
            f"list of labels or {{'label': 'gpu'}}"
        )
        raise InvalidArgumentError(message)
    return frozenset(labels)

"""The client's side of a task: from a call on a proxy to a handle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError, NoWorkerError
from omcore.objects.filterjson import filter_to_json
from omcore.objects.lazy import LazyObject
from omcore.objects.metadata import Metadata
from omcore.runtimes import detached
from omcore.runtimes.backend import Delivery, EngineState
from omcore.runtimes.errordata import to_data
from omcore.runtimes.events import Submitting
from omcore.runtimes.handle import Handle
from omcore.runtimes.task import Outcome, PinValue, State, TaskSpec, new_id
from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.objects.reading import Pinned
    from omcore.omega import Omega
    from omcore.runtimes.backend import EngineHandle, RuntimeBackend
    from omcore.runtimes.records import TaskInfo
    from omcore.runtimes.scope import Call, Scope, TaskOptions
    from omcore.runtimes.task import Value
    from omcore.signing import KeyRing


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
        return Handle(task_id, None, self._context.records, self.decode, self._cancel)

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
        envelope = spec.seal(self.auth)
        records = self._context.records if spec.durable else None
        if records is not None:
            records.create(spec, envelope)
        try:
            engine = self._start(spec, envelope, options)
        except BaseException as error:
            if records is not None:  # nobody will run it, and nobody would ever say so
                records.end(Outcome(id=spec.id, state=State.LOST, error=to_data(error)))
            raise
        return Handle(spec.id, engine, records, self.decode, self._cancel)

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
        return TaskSpec(
            id=new_id(),
            context=self._context.settings.name,
            fingerprint=self._context.fingerprint,
            bucket=self._omega.bucket,
            proxy=call.proxy,
            object=pin_value(pinned),
            action=call.action,
            arguments=self._arguments(call),
            require=tuple(sorted(require)),
            durable=call.durable or options.durable,
            timeout=settings.timeout if options.timeout is None else options.timeout,
            submitted=time.time(),
        )

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

    def _start(self, spec: TaskSpec, envelope: bytes, options: TaskOptions) -> EngineHandle | None:
        if options.local:
            return _Ended(self._context.functions.execute(envelope, self._omega))
        delivery = Delivery(spec.id, envelope, frozenset(spec.require), spec.timeout)
        backend = self._context.runtime_backend
        if options.detached and not backend.strengths.survives_client:
            detached.start(self._context.worker_entry, delivery, self._context.place.home / "tasks")
            return None
        return backend.submit(delivery)

    def _cancel(self, task_id: str) -> None:
        self._context.runtime_backend.cancel(task_id)


class _Ended:
    """The engine handle of a task that was run in this process."""

    def __init__(self, outcome: bytes) -> None:
        self._outcome = outcome

    @property
    def state(self) -> EngineState:
        return EngineState.DONE

    def wait(self, timeout: float | None) -> bool:  # noqa: ARG002 - it has ended
        return True

    def outcome(self) -> bytes:
        return self._outcome


def pin_value(pinned: Pinned) -> PinValue:
    """A pinned version as a task carries it."""
    pin = pinned.pin
    return PinValue(store=pin.store, name=pin.name, version=pin.version, id=pin.id, columns=pin.columns)


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

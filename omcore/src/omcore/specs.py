"""From a call on a proxy to a task: names pinned to versions, values encoded, rules gathered."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError, NoWorkerError
from omcore.objects.filterjson import filter_to_json
from omcore.objects.lazy import LazyObject
from omcore.objects.metadata import Metadata
from omcore.runtimes.rules import NO_RULES, make_rules
from omcore.runtimes.task import PinValue, TaskSpec, new_id
from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.reading import Pinned
    from omcore.omega import Omega
    from omcore.runtimes.engine import Call, TaskOptions
    from omcore.runtimes.rules import TaskRules
    from omcore.runtimes.task import Value

VALID = 30 * 86_400.0
"""Seconds after which no worker takes the message of a task, whatever its rules say."""


class SpecMaker:
    """Makes the tasks of one bucket."""

    def __init__(self, omega: Omega) -> None:
        self._omega = omega
        self._context = omega.context

    def make(self, call: Call, options: TaskOptions) -> TaskSpec:
        """Make a task of a call.

        Raises:
            ObjectNotFoundError: the object, or a dataset that an argument names, is not there.
            NoWorkerError: no live worker offers the labels, and neither the scope nor the context says wait.
            UnsupportedTypeError: an argument has a type that cannot travel.
            InvalidArgumentError: the object's attributes ask for what there is not.
        """
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

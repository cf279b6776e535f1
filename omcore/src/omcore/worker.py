"""The worker's side of a task: the one function that every engine's workers call.

`execute` checks the signature, opens the context by name, runs the action and returns the outcome as data. It never
raises for what a task says or does.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

from omcore.config import ContextSettings, load_settings
from omcore.context import Context, WorkerFunctions
from omcore.errors import ConflictError, ContextNotFoundError, OmError, TaskLostError
from omcore.objects.codecs.base import Query
from omcore.objects.drafts import Draft
from omcore.objects.filterjson import filter_from_json
from omcore.objects.references import Pin
from omcore.omega import Omega
from omcore.runtimes.errordata import to_data
from omcore.runtimes.events import Finished
from omcore.runtimes.task import ErrorData, Outcome, PinValue, SealedTask, State, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.drafts import Plan
    from omcore.omega import Store
    from omcore.runtimes.records import Claim
    from omcore.runtimes.task import Value

logger = logging.getLogger(__name__)

PARTS_OF_A_TRY = 50
"""Attempts to publish what a task made while others publish versions of the same objects."""


def execute(envelope: bytes, omega: Omega | None = None) -> bytes:
    """Run one task.

    Args:
        envelope: a signed task, as `TaskSpec.seal` made it.
        omega: the task's context where it is open in this process already; `None` to find it among those this process
            was prepared with, and then in its own configuration.

    Returns:
        The outcome as ASCII JSON. A message that is refused, for whatever reason, has an outcome too; nothing is
        raised, save the keyboard's interrupt where the caller works in this process.
    """
    task_id = ""
    try:
        sealed = SealedTask(envelope)
        task_id = sealed.unverified.id
        found = omega or _site().find(sealed.unverified)
        spec = sealed.open(found.context.auth)
        return _Execution(spec, found[spec.bucket]).run().dump()
    except OmError as error:
        logger.warning("task %s was not run: %s", task_id or "without an id", error)
        return _failed(task_id, error)
    except BaseException as error:
        if omega is not None and isinstance(error, KeyboardInterrupt):
            raise
        logger.exception("task %s could not be run", task_id or "without an id")
        return _failed(task_id, error)


def prepare(contexts: bytes) -> None:
    """Tell this process a context that it may work in; opens nothing.

    Args:
        contexts: what `ContextSettings.dump` wrote.
    """
    _site().add(contexts)


FUNCTIONS = WorkerFunctions(execute, prepare)
"""What a context calls to run tasks."""


@cache
def _site() -> _Site:
    return _Site()


class _Site:
    """The contexts of this process."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._pending: list[bytes] = []
        self._open: dict[str, Omega] = {}
        self._named: set[str] = set()

    def add(self, contexts: bytes) -> None:
        with self._lock:
            if contexts not in self._pending:
                self._pending.append(contexts)

    def find(self, spec: TaskSpec) -> Omega:
        """The context that a task names; never one at an address that a message gives.

        Each context is opened once, whatever messages arrive; one that could not be opened is tried again.
        """
        with self._lock:
            if spec.fingerprint not in self._open:
                self._open_prepared(spec.context)
            if spec.fingerprint not in self._open and spec.context not in self._named:
                self._adopt(load_settings(context=spec.context))
                self._named.add(spec.context)
            if spec.fingerprint not in self._open:
                message = (
                    f"task {spec.id} belongs to a context {spec.context!r} whose storage is not the one that this "
                    f"worker's configuration names; start the worker with the client's configuration"
                )
                raise ContextNotFoundError(message)
            return self._open[spec.fingerprint]

    def _open_prepared(self, name: str) -> None:
        for contexts in tuple(self._pending):
            settings = ContextSettings.load(contexts)
            if settings.name == name:
                self._adopt(settings)
                self._pending.remove(contexts)

    def _adopt(self, settings: ContextSettings) -> None:
        omega = Omega(Context(settings, FUNCTIONS))
        if self._open.setdefault(omega.context.fingerprint, omega) is not omega:
            omega.close()


class _Execution:
    """One run of one task. It is the `Work` of the action."""

    def __init__(self, spec: TaskSpec, omega: Omega) -> None:
        self._spec = spec
        self._omega = omega
        self._context = omega.context
        self._drafts: list[tuple[Store, Draft]] = []

    # --- what an action has in hand

    def load(self, *, fresh: bool = False) -> Any:
        """The object that the action is called on."""
        pin = self._spec.object
        if fresh:
            return self._read(pin)
        return self._context.loaded.get(pin.model_dump_json(), lambda: (self._read(pin), self._size(pin)))

    def store(self, value: Any, *, into: str | None = None) -> Draft:
        """Store a value when the task ends."""
        spec = self._spec
        pins = {name: value for name, value in spec.arguments.items() if isinstance(value, PinValue)}
        provenance: dict[str, Any] = {
            "task": spec.id,
            "action": spec.action,
            "object": str(_pin(spec.object)),
            "inputs": [str(_pin(value)) for value in pins.values()],
        }
        filters = {name: value.filter for name, value in pins.items() if value.filter is not None}
        if filters:
            provenance["filters"] = filters
        kind, name = (spec.object.store, spec.object.name) if into is None else ("datasets", into)
        store = self._omega.store(kind)
        draft = store.stage(value, name, provenance=provenance, action=spec.action)
        self._drafts.append((store, draft))
        return draft

    def _read(self, pin: PinValue) -> Any:
        rows = None if pin.filter is None else filter_from_json(pin.filter)
        return self._omega.store(pin.store).load(_pin(pin), Query(pin.columns, rows))

    def _size(self, pin: PinValue) -> int:
        parts = self._omega.store(pin.store).pinned_version(_pin(pin)).content.parts
        return sum(part.size for part in parts)

    # --- the run

    def run(self) -> Outcome:
        if not self._spec.durable:
            return self._act()
        claim = self._context.records.claim(self._spec.id, _worker_id())
        if isinstance(claim, Outcome):
            return claim
        if claim is None:
            raise TaskLostError(f"task {self._spec.id} is being run by another worker already", self._spec.id)
        return self._act(claim)

    def _act(self, claim: Claim | None = None) -> Outcome:
        started = time.monotonic()
        try:
            result = self._call()
            outcome = self._publish(result, claim, time.monotonic() - started)
        except KeyboardInterrupt:
            self._end(claim, State.REVOKED, ErrorData(type="", message="the task was interrupted from the keyboard"))
            raise
        except BaseException as error:  # noqa: BLE001 - whatever user code raises, SystemExit too, is an outcome
            outcome = self._end(claim, State.FAILURE, to_data(error, error.__traceback__), time.monotonic() - started)
        self._context.host.tell_task(Finished(self._spec, outcome, time.monotonic() - started))
        return outcome

    def _call(self) -> Any:
        spec = self._spec
        kind = self._context.host.proxy(spec.proxy, asked_by=f"task {spec.id}")
        act = kind.find_action(spec.action)
        arguments = {name: self._argument(value) for name, value in spec.arguments.items()}
        return act.body(kind(self, spec.object.name), **arguments)

    def _argument(self, value: Value) -> Any:
        return self._read(value) if isinstance(value, PinValue) else self._context.values.decode(value)

    def _publish(self, result: Any, claim: Claim | None, seconds: float) -> Outcome:
        """Store what the action staged and end the record, in one commit."""
        encoded = None if isinstance(result, Draft) else self._context.values.encode(result)
        for _ in range(PARTS_OF_A_TRY):
            plans = [store.plan(draft) for store, draft in self._drafts]
            value = encoded or _pin_of(plans[[draft for _, draft in self._drafts].index(result)])
            outcome = self._outcome(State.SUCCESS, seconds=seconds, value=value)
            if self._commit(plans, claim, outcome):
                for (store, _), plan in zip(self._drafts, plans, strict=True):
                    store.announce(plan)
                return outcome
        message = f"task {self._spec.id} could not publish its result: others kept publishing versions of the object"
        raise TaskLostError(message, self._spec.id)

    def _commit(self, plans: Sequence[Plan], claim: Claim | None, outcome: Outcome) -> bool:
        changes = [change for plan in plans for change in plan.changes]
        try:
            if claim is not None:
                self._context.records.finish(claim, outcome, changes)
            elif changes:
                self._context.storage.commit(changes)
        except ConflictError as error:
            if claim is not None and error.key == claim.record.key:
                raise TaskLostError(f"task {self._spec.id} was ended while it ran", self._spec.id) from error
            return False
        return True

    def _end(self, claim: Claim | None, state: State, error: ErrorData, seconds: float = 0.0) -> Outcome:
        outcome = self._outcome(state, seconds=seconds, error=error)
        return outcome if claim is None else self._context.records.end(outcome)

    def _outcome(self, state: State, **fields: Any) -> Outcome:
        return Outcome(id=self._spec.id, state=state, worker=_worker_id(), **fields)


def _failed(task_id: str, error: BaseException) -> bytes:
    return Outcome(id=task_id, state=State.FAILURE, error=to_data(error), worker=_worker_id()).dump()


def _pin(value: PinValue) -> Pin:
    """A pin from a message, checked."""
    return Pin(value.store, value.name, value.version, value.id, value.columns)


def _pin_of(plan: Plan) -> PinValue:
    version = plan.version
    return PinValue(store=version.store, name=version.name, version=version.number, id=version.id)


def _worker_id() -> str:
    return f"{platform.node()}:{os.getpid()}"

"""One run of one task on a worker: from the claim to what it stored and told."""

from __future__ import annotations

import logging
import os
import platform
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from omcore.errors import (
    ConflictError,
    EnvironmentMismatchError,
    InvalidArgumentError,
    OmError,
    TaskCancelledError,
    TaskLostError,
    TaskTimeoutError,
)
from omcore.objects.codecs.base import Query
from omcore.objects.drafts import Draft
from omcore.objects.filterjson import filter_from_json
from omcore.objects.references import Pin
from omcore.runtimes.capture import TaskLog, capture
from omcore.runtimes.environment import here, mismatches
from omcore.runtimes.errordata import to_data
from omcore.runtimes.events import Finished
from omcore.runtimes.progress import Progress
from omcore.runtimes.pulse import Attempt, InterruptedTask
from omcore.runtimes.task import ErrorData, Outcome, PinValue, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from omcore.objects.drafts import Plan
    from omcore.omega import Omega, Store
    from omcore.runtimes.logs import LogWriter
    from omcore.runtimes.records import Claim
    from omcore.runtimes.task import TaskSpec, Value
    from omcore.storage.backend import Change

logger = logging.getLogger(__name__)

PARTS_OF_A_TRY = 50
"""Attempts to publish what a task made while others publish versions of the same objects."""

LIGHT_LOG = 8 << 10
"""Characters of the log of a light task, which travels with its outcome."""

DECLINED = 0.5
"""Seconds before a task that a worker is not fit for is given to another one."""


class Execution:
    """One run of one task. It is the `Work` of the action."""

    def __init__(self, spec: TaskSpec, omega: Omega, *, alone: bool = False, here: bool = False) -> None:
        """Prepare a run.

        Args:
            spec: the task.
            omega: its bucket.
            alone: whether this process runs nothing but this task, so that its limits may be the process's.
            here: whether this is the caller's own process, where what a task prints is seen at once.
        """
        self._spec = spec
        self._omega = omega
        self._context = omega.context
        self._alone = alone
        self._here = here
        self._drafts: list[tuple[Store, Draft]] = []
        self._left: list[tuple[Store, Draft]] = []
        self._log = TaskLog() if spec.durable else TaskLog(LIGHT_LOG)
        self._notices: list[str] = []
        self._attempt: Attempt | None = None
        self._writer: LogWriter | None = None

    # --- what an action has in hand

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

    def store(self, value: Any, *, into: str | None = None, store: str = "datasets") -> Draft:
        """Store a value when the task ends."""
        spec = self._spec
        kind, name = (spec.object.store, spec.object.name) if into is None else (store, into)
        place, draft = self._to_stage(value, kind, name, into)
        self._drafts.append((place, draft))
        return draft

    def leave(self, value: Any, *, into: str, store: str) -> None:
        """Store a value if the task fails."""
        self._left.append(self._to_stage(value, store, into, into))

    def _to_stage(self, value: Any, kind: str, name: str, into: str | None) -> tuple[Store, Draft]:
        place = self._omega.store(kind)
        return place, place.stage(value, name, provenance=self._provenance(into), action=self._spec.action)

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Tell how far the action is."""
        if self._attempt is not None:
            self._attempt.progress = Progress(done=done, total=total, unit=unit).model_dump()

    def _provenance(self, into: str | None) -> dict[str, Any]:
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

    def _read(self, pin: PinValue) -> Any:
        rows = None if pin.filter is None else filter_from_json(pin.filter)
        return self._omega.store(pin.store).load(pin_of(pin), Query(pin.columns, rows))

    def _size(self, pin: PinValue) -> int:
        parts = self._omega.store(pin.store).pinned_version(pin_of(pin)).content.parts
        return sum(part.size for part in parts)

    # --- the run

    def run(self) -> Outcome:
        """Run the task, unless it has ended or another worker runs it; raises for nothing that it does."""
        if not self._spec.durable:
            return self._run_light()
        claim = self._context.records.claim(self._spec.id, worker_id())
        return claim if isinstance(claim, Outcome) else self._run_claimed(claim)

    def _run_light(self) -> Outcome:
        started = time.monotonic()
        failures = 0
        while True:
            self._drafts.clear()
            try:
                outcome = self._outcome(State.SUCCESS, value=self._told_lightly(self._act(None)))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) and self._here:
                    raise
                failures += 1
                if self._spec.retry.covers(error, failures) and not self._is_unfit(error):
                    time.sleep(self._spec.retry.pause(failures))
                    continue
                elsewhere = self._is_unfit(error) and self._spec.environment == "elsewhere"
                outcome = self._outcome(State.RETRY if elsewhere else State.FAILURE, error=self._told(error))
            seconds = time.monotonic() - started
            outcome = outcome.model_copy(update={"seconds": seconds, "log": self._log.text() if self._log else ""})
            self._context.host.tell_task(Finished(self._spec, outcome, seconds))
            return outcome

    def _run_claimed(self, claim: Claim) -> Outcome:
        started = time.monotonic()
        self._writer = self._context.logs.writer(claim.id, claim.attempt)
        try:
            outcome = self._publish(self._act(claim), claim, time.monotonic() - started)
        except KeyboardInterrupt:
            why = ErrorData(type="", message="the task was interrupted from the keyboard")
            self._context.records.end(self._outcome(State.REVOKED, error=why))
            raise
        except BaseException as error:  # noqa: BLE001 - whatever user code raises, SystemExit too, is an outcome
            outcome = self._fail(claim, error, time.monotonic() - started)
        if outcome.state.final:
            self._context.host.tell_task(Finished(self._spec, outcome, time.monotonic() - started))
        return outcome

    def _act(self, claim: Claim | None) -> Draft | Value:
        """Run the action, under all its limits and with all it says in the log."""
        spec = self._spec
        with ExitStack() as stack:
            if claim is not None or not self._here:
                stack.enter_context(capture(self._log, echo=self._here))
            if claim is not None or spec.timeout is not None:
                attempt = Attempt(self._context.pulse, claim, self._log, self._writer, spec.timeout, alone=self._alone)
                stack.callback(attempt.end)  # once more: an interrupt may hit the first
                self._attempt = stack.enter_context(attempt)
            self._check_environment()
            if spec.memory is not None:
                self._load_libraries()
                stack.enter_context(self._limited(spec.memory))
            return self._encoded(self._call())

    def _load_libraries(self) -> None:
        """Load what reads the object and the inputs: libraries are the worker's, and not on the task's account."""
        pins = [value for value in (self._spec.object, *self._spec.arguments.values()) if isinstance(value, PinValue)]
        for pin in pins:
            version = self._omega.store(pin.store).pinned_version(pin_of(pin))
            self._context.codecs.for_kind(version.content.kind)

    @contextmanager
    def _limited(self, memory: int) -> Iterator[None]:
        from omcore.runtimes.limits import memory_limit

        if not self._alone:
            message = (
                f"task {self._spec.id} may take {memory} bytes, but its worker runs other things in the same process "
                f"and cannot hold it to that; run it on a runtime whose workers are processes, or without a limit"
            )
            raise InvalidArgumentError(message)
        try:
            with memory_limit(memory):
                yield
        except (OmError, OSError, RuntimeError, ImportError) as error:  # what libraries make of want of memory
            error.add_note(f"the task was given {memory:,} bytes of memory, and that may be the cause")
            raise

    def _call(self) -> Any:
        spec = self._spec
        kind = self._context.host.proxy(spec.proxy, asked_by=f"task {spec.id}")
        act = kind.find_action(spec.action)
        arguments = {name: self._argument(value) for name, value in spec.arguments.items()}
        return act.body(kind(self, spec.object.name), **arguments)

    def _argument(self, value: Value) -> Any:
        return self._read(value) if isinstance(value, PinValue) else self._context.values.decode(value)

    # --- whether this worker is fit for it

    def _check_environment(self) -> None:
        spec = self._spec
        if spec.object.store != "models" or spec.environment == "ignore":
            return
        found = self._context.loaded.get(("environment", spec.object.id), self._mismatches)
        if not found:
            return
        text = f"model {spec.object.name!r} was fitted with other versions: {'; '.join(found)}"
        if spec.environment != "warn":
            mend = "fit it again here, run it on a worker with those versions, or allow it with .environment('warn')"
            raise EnvironmentMismatchError(f"{text}; {mend}")
        logger.warning("%s", text)
        self._notices.append(text)

    def _mismatches(self) -> tuple[Sequence[str], int]:
        pin = self._spec.object
        version = self._omega.store(pin.store).pinned_version(pin_of(pin))
        recorded = version.provenance.get("environment")
        return (mismatches(recorded, here()) if isinstance(recorded, dict) else ()), 0

    def _is_unfit(self, error: BaseException) -> bool:
        return isinstance(error, EnvironmentMismatchError)

    # --- the end

    def _encoded(self, result: Any) -> Draft | Value:
        """What the action returned, as it travels; done while the lease is kept, since it may be much."""
        return result if isinstance(result, Draft) else self._context.values.encode(result)

    def _told_lightly(self, result: Draft | Value) -> Value | None:
        """What a light task tells; one that stored something against its word publishes that as well."""
        if self._drafts or isinstance(result, Draft):
            return self._publish(result, None, 0.0).value
        return result

    def _publish(self, result: Draft | Value, claim: Claim | None, seconds: float) -> Outcome:
        """Store what the action staged and end the record, in one commit."""
        drafts = [draft for _, draft in self._drafts]
        log = [] if self._writer is None else self._writer.changes(self._log.take(final=True))
        for _ in range(PARTS_OF_A_TRY):
            plans = [store.plan(draft) for store, draft in self._drafts]
            value = pin_of_plan(plans[drafts.index(result)]) if isinstance(result, Draft) else result
            outcome = self._outcome(State.SUCCESS, seconds=seconds, value=value)
            changes = [change for plan in plans for change in plan.changes]
            try:
                if claim is not None:
                    outcome = self._context.records.finish(claim, outcome, [*changes, *log])
                elif changes:
                    self._context.storage.commit(changes)
            except ConflictError:
                continue
            for (store, _), plan in zip(self._drafts, plans, strict=True):
                store.announce(plan)
            return outcome
        message = f"task {self._spec.id} could not publish its result: others kept publishing versions of the object"
        raise TaskLostError(message, self._spec.id)

    def _fail(self, claim: Claim, error: BaseException, seconds: float) -> Outcome:
        """What becomes of a claimed task whose attempt raised."""
        records, spec = self._context.records, self._spec
        data = self._told(error)
        log = [] if self._writer is None else self._writer.changes(self._log.take(final=True))
        failures = records.failures(claim) + 1
        try:
            if self._is_unfit(error) and spec.environment == "elsewhere":
                return records.decline(claim, data, DECLINED)
            if not self._is_unfit(error) and spec.retry.covers(error, failures):
                return records.retry(claim, data, spec.retry.pause(failures), log)
            return self._finish_failed(claim, data, seconds, log)
        except TaskLostError:  # it was ended, or given to another worker, while it ran here
            return records.outcome(claim.id) or self._outcome(State.STARTED, recorded=True)

    def _finish_failed(self, claim: Claim, data: ErrorData, seconds: float, log: Sequence[Change]) -> Outcome:
        """End the task with its error, and publish what the action left for this case, in one commit."""
        for _ in range(PARTS_OF_A_TRY):
            plans = [store.plan(draft) for store, draft in self._left]
            notes = tuple(f"what it made up to then is kept as {pin_of_plan(plan)}" for plan in plans)
            error = data.model_copy(update={"notes": (*data.notes, *notes)})
            changes = [change for plan in plans for change in plan.changes]
            outcome = self._outcome(State.FAILURE, seconds=seconds, error=error)
            try:
                outcome = self._context.records.finish(claim, outcome, [*changes, *log])
            except ConflictError:
                continue
            for (store, _), plan in zip(self._left, plans, strict=True):
                store.announce(plan)
            return outcome
        message = f"task {self._spec.id} could not publish its failure: others kept publishing versions of the object"
        raise TaskLostError(message, self._spec.id)

    def _told(self, error: BaseException) -> ErrorData:
        """An error as data, without our own frames; one that we raised into the action says why."""
        if isinstance(error, InterruptedTask) and self._attempt is not None:
            why = f"task {self._spec.id} was interrupted: {self._attempt.why}"
            if self._attempt.timed_out:
                return to_data(TaskTimeoutError(why, self._spec.id))
            return to_data(TaskCancelledError(why, self._spec.id))
        return to_data(error, _trace_of(error))

    def _outcome(self, state: State, **fields: Any) -> Outcome:
        return Outcome(id=self._spec.id, state=state, worker=worker_id(), notices=tuple(self._notices), **fields)


def _trace_of(error: BaseException) -> TracebackType | None:
    """The traceback of an error whose class may say anything."""
    trace: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return trace


def pin_of(value: PinValue) -> Pin:
    """A pin from a message, checked."""
    return Pin(value.store, value.name, value.version, value.id, value.columns)


def pin_of_plan(plan: Plan) -> PinValue:
    """The version that a plan makes, as a task tells it."""
    version = plan.version
    return PinValue(store=version.store, name=version.name, version=version.number, id=version.id)


def worker_id() -> str:
    """This process, for people."""
    return f"{platform.node()}:{os.getpid()}"

"""One run of one task on a worker: from the claim to what it stored and told."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, EnvironmentMismatchError, TaskCancelledError, TaskLostError, TaskTimeoutError
from omcore.objects.drafts import Draft
from omcore.runtimes.capture import TaskLog, capture
from omcore.runtimes.errordata import to_data
from omcore.runtimes.events import Finished
from omcore.runtimes.pulse import Attempt, InterruptedTask
from omcore.runtimes.sessions import worker_id
from omcore.runtimes.task import ErrorData, Outcome, PinValue, State
from omcore.work import TaskWork, pin_of_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from omcore.omega import Omega, Store
    from omcore.runtimes.claims import Claim
    from omcore.runtimes.logs import LogWriter
    from omcore.runtimes.task import TaskSpec, Value
    from omcore.storage.backend import Change

logger = logging.getLogger(__name__)

MOST_TRIES = 50
"""Attempts to publish what a task made while others publish versions of the same objects."""

LIGHT_LOG = 8 << 10
"""Characters of the log of a light task, which travels with its outcome."""

DECLINED = 0.5
"""Seconds before a task that a worker is not fit for is given to another one."""


class Execution:
    """One run of one task."""

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
        self._work = TaskWork(spec, omega)
        self._log = TaskLog() if spec.durable else TaskLog(LIGHT_LOG)
        self._notices: list[str] = []
        self._writer: LogWriter | None = None

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
            self._work.made.clear()
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
                self._work.attempt = stack.enter_context(attempt)
            self._check_environment()
            if spec.memory is not None:
                from omcore.runtimes.limits import task_memory

                self._work.load_libraries()
                stack.enter_context(task_memory(spec.id, spec.memory, alone=self._alone))
            return self._encoded(self._call())

    def _call(self) -> Any:
        spec = self._spec
        kind = self._context.host.proxy(spec.proxy, asked_by=f"task {spec.id}")
        act = kind.find_action(spec.action)
        arguments = {name: self._work.argument(value) for name, value in spec.arguments.items()}
        return act.body(kind(self._work, spec.object.name), **arguments)

    # --- whether this worker is fit for it

    def _check_environment(self) -> None:
        spec = self._spec
        if spec.object.store != "models" or spec.environment == "ignore":
            return
        found = self._work.mismatches()
        if not found:
            return
        text = f"model {spec.object.name!r} was fitted with other versions: {'; '.join(found)}"
        if spec.environment != "warn":
            mend = "fit it again here, run it on a worker with those versions, or allow it with .environment('warn')"
            raise EnvironmentMismatchError(f"{text}; {mend}")
        logger.warning("%s", text)
        self._notices.append(text)

    def _is_unfit(self, error: BaseException) -> bool:
        return isinstance(error, EnvironmentMismatchError)

    # --- the end

    def _encoded(self, result: Any) -> Draft | Value:
        """What the action returned, as it travels; done while the lease is kept, since it may be much."""
        return result if isinstance(result, Draft) else self._context.values.encode(result)

    def _told_lightly(self, result: Draft | Value) -> Value | None:
        """What a light task tells; one that stored something against its word publishes that as well."""
        if self._work.made or isinstance(result, Draft):
            return self._publish(result, None, 0.0).value
        return result

    def _publish(self, result: Draft | Value, claim: Claim | None, seconds: float) -> Outcome:
        """Store what the action staged and end the record."""
        drafts = [draft for _, draft in self._work.made]

        def ending(pins: Sequence[PinValue]) -> Outcome:
            value = pins[drafts.index(result)] if isinstance(result, Draft) else result
            return self._outcome(State.SUCCESS, seconds=seconds, value=value)

        return self._end(claim, self._work.made, ending, self._last_log())

    def _end(
        self,
        claim: Claim | None,
        made: Sequence[tuple[Store, Draft]],
        ending: Callable[[Sequence[PinValue]], Outcome],
        log: Sequence[Change],
    ) -> Outcome:
        """End the record and publish versions, in one commit; `ending` is told them, and says how it ends."""
        for _ in range(MOST_TRIES):
            plans = [store.plan(draft) for store, draft in made]
            outcome: Outcome = ending([pin_of_plan(plan) for plan in plans])
            changes = [change for plan in plans for change in plan.changes]
            try:
                if claim is not None:
                    outcome = self._context.records.finish(claim, outcome, [*changes, *log])
                elif changes:
                    self._context.storage.commit(changes)
            except ConflictError:
                continue
            for (store, _), plan in zip(made, plans, strict=True):
                store.announce(plan)
            return outcome
        what = "result" if outcome.state is State.SUCCESS else "failure"
        message = f"task {self._spec.id} could not publish its {what}: others kept publishing versions of the object"
        raise TaskLostError(message, self._spec.id)

    def _last_log(self) -> Sequence[Change]:
        """The changes that write the end of the log."""
        return [] if self._writer is None else self._writer.changes(self._log.take(final=True))

    def _fail(self, claim: Claim, error: BaseException, seconds: float) -> Outcome:
        """What becomes of a claimed task whose attempt raised."""
        records, spec = self._context.records, self._spec
        data = self._told(error)
        log = self._last_log()
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
        """End the task with its error, and publish what the action left for this case."""

        def ending(pins: Sequence[PinValue]) -> Outcome:
            notes = tuple(f"what it made up to then is kept as {pin}" for pin in pins)
            error = data.model_copy(update={"notes": (*data.notes, *notes)})
            return self._outcome(State.FAILURE, seconds=seconds, error=error)

        return self._end(claim, self._work.left, ending, log)

    def _told(self, error: BaseException) -> ErrorData:
        """An error as data, without our own frames; one that we raised into the action says why."""
        if isinstance(error, InterruptedTask) and self._work.attempt is not None:
            why = f"task {self._spec.id} was interrupted: {self._work.attempt.why}"
            if self._work.attempt.timed_out:
                return to_data(TaskTimeoutError(why, self._spec.id))
            return to_data(TaskCancelledError(why, self._spec.id))
        return to_data(error, _trace_of(error))

    def _outcome(self, state: State, **fields: Any) -> Outcome:
        return Outcome(id=self._spec.id, state=state, worker=worker_id(), notices=tuple(self._notices), **fields)


def _trace_of(error: BaseException) -> TracebackType | None:
    """The traceback of an error whose class may say anything."""
    trace: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return trace

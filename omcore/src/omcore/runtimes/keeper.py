"""Looks after durable tasks: those this process submitted, and those that nobody looks after any more.

One thread a context. It sees to it that what was submitted is delivered until it has ended: it hands out again what
lost its worker, what never reached an engine and what is to be retried, ends what took too long, stops what was
cancelled elsewhere, and clears away what ended long ago.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial
from threading import Condition, RLock
from typing import TYPE_CHECKING

from omcore.errors import OmError, TaskCancelledError, TaskError, TaskNotFoundError, TaskTimeoutError
from omcore.runtimes import lease
from omcore.runtimes.backend import Delivery, EngineState
from omcore.runtimes.errordata import to_data
from omcore.runtimes.rounds import Rounds
from omcore.runtimes.sessions import has_ended, is_gone, lives_here, living
from omcore.runtimes.task import ErrorData, Outcome, State
from omcore.runtimes.tasktable import envelope_of, id_of, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from omcore.runtimes.backend import EngineHandle, RuntimeBackend
    from omcore.runtimes.records import TaskRecords
    from omcore.runtimes.sessions import Session
    from omcore.storage.backend import Body, Record, StorageBackend

logger = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between two looks at what this process submitted."""

LOOK = 1.0
"""Seconds between two looks at the records of what this process submitted."""

REAP = 5.0
"""Seconds between two looks at all open tasks."""

CLEAR = 900.0
"""Seconds between two clearings of what ended long ago."""

SETTLED = 10.0
"""Seconds that other threads have to settle what they are about to when the context is closed."""

ANSWERED = 1.0
"""Seconds that a worker, which has just ended a task in the store, has to say so to the engine."""

HANDED_OVER = 5.0
"""Seconds after which a delivery that still waits in an engine of its own is noted as the engine's."""


@dataclass
class _Watched:
    """A task that this process delivered.

    Attributes:
        engine: the handle of its latest delivery.
        holder: who goes on with it when this process ends; `None` for nobody.
        since: when it was delivered, on the clock of the machine.
    """

    engine: EngineHandle
    holder: str | None
    since: float


class Keeper:
    """The one that looks after a context's durable tasks in this process."""

    def __init__(
        self,
        storage: StorageBackend,
        records: TaskRecords,
        session: Session,
        backend: Callable[[], RuntimeBackend],
        clear: Callable[[], object],
    ) -> None:
        """Start nothing yet.

        Args:
            storage: where the tasks are kept.
            records: the tasks.
            session: this process, as others see it.
            backend: connects to the runtime.
            clear: clears away what ended long ago; called now and then.
        """
        self._storage = storage
        self._records = records
        self._session = session
        self._backend = backend
        self._watched: dict[str, _Watched] = {}
        self._retried: set[str] = set()
        self._lock = RLock()
        self._settled = Condition(self._lock)
        self._closed = False
        self._settling: set[str] = set()
        self._last_words: dict[str, Outcome] = {}
        self._rounds = Rounds(
            "om-keeper",
            self._pause,
            always=(self._session_beat, self._settle_all),
            now_and_then={LOOK: self._look, REAP: self._reap, CLEAR: clear},
        )

    # --- what this process submits

    def publisher(self) -> str:
        """Who answers for what is about to be submitted: this process, which from now on is seen to live."""
        publisher = self._session.open()
        self.start()
        return publisher

    def start(self) -> None:
        """Look after the context's tasks from now on."""
        with self._lock:
            if not self._closed:
                self._rounds.start()

    def watch(self, task_id: str, engine: EngineHandle, holder: str | None) -> None:
        """Look after a delivery that goes on with `holder` when this process ends."""
        with self._lock:
            self._retried.discard(task_id)
            self._watched[task_id] = _Watched(engine, holder, time.monotonic())

    def engine(self, task_id: str) -> EngineHandle | None:
        """The handle of a task's latest delivery by this process."""
        watched = self._watched.get(task_id)
        return watched.engine if watched else None

    def settle(self, task_id: str) -> Outcome | None:
        """Draw the consequences when the engine has ended a delivery; the task's outcome, if that ended the task."""
        with self._lock:
            watched = self._watched.get(task_id)
            if watched is None or not watched.engine.wait(0):
                return self._last_words.get(task_id)
            del self._watched[task_id]
            self._settling.add(task_id)
        try:
            return self._remembered(task_id, self._settle(task_id, watched))
        except TaskNotFoundError:
            raise
        except OmError:  # the storage is out of reach: the consequences are drawn later
            with self._lock:
                self._watched.setdefault(task_id, watched)
            raise
        finally:
            with self._lock:
                self._settling.discard(task_id)
                self._settled.notify_all()

    def _remembered(self, task_id: str, outcome: Outcome | None) -> Outcome | None:
        """An outcome, kept for who waits for it in another thread when the storage is about to be closed."""
        if self._closed and outcome is not None:
            self._last_words[task_id] = outcome
        return outcome

    def _settle(self, task_id: str, watched: _Watched) -> Outcome | None:
        try:
            outcome = Outcome.load(watched.engine.outcome())
        except TaskError as error:
            return self._settle_error(task_id, watched, error)
        if outcome.recorded:
            if outcome.state is State.RETRY:
                with self._lock:
                    self._retried.add(task_id)
            return outcome if outcome.state.final else None
        record = self._records.record(task_id)
        return self._records.end(outcome) if lease.waits(record.body) else outcome_of(record)

    def _settle_error(self, task_id: str, watched: _Watched, error: TaskError) -> Outcome | None:
        """The engine gave up a delivery."""
        if isinstance(error, TaskCancelledError):
            return self._records.end(Outcome(id=task_id, state=State.REVOKED, error=to_data(error)))
        if isinstance(error, TaskTimeoutError):
            return self._records.end(Outcome(id=task_id, state=State.FAILURE, error=to_data(error)))
        why = Outcome(id=task_id, state=State.LOST, error=_with_notes(error))
        if self._closed:
            return None if watched.holder is not None else self._records.end(why)
        if self._is_bereft(self._records.record(task_id).body) and self._records.lost(
            task_id, why, self._session.open()
        ):
            self._deliver(self._records.record(task_id))
        return None

    def _is_bereft(self, body: Body) -> bool:
        """Whether nobody runs a task whose delivery is lost: it may have been delivered more than once."""
        return lease.waits(body) or (self._backend().strengths.sees_death and not lives_here(body["worker"]))

    # --- what anybody submitted

    def mind(self, task_id: str) -> Outcome | None:
        """Do what a task needs, now; the outcome of one that has ended.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        record = self._records.record(task_id)
        known = {record.body["publisher"]} if record.body["publisher"] == self._session.id else self._living()
        self._remedy(record, known)
        return outcome_of(record)

    def _living(self) -> frozenset[str]:
        return living(self._storage, self._records.now())

    def _remedy(self, record: Record, sessions: frozenset[str] | set[str]) -> None:
        """Do what a record needs; hand it out where this process's runtime has workers for it."""
        gone = partial(self._mourns, record)
        need = lease.diagnose("", record.body, self._records.now(), sessions, gone).need
        if need is lease.Need.NOTHING:
            return
        served = need is lease.Need.END or self._backend().serves(frozenset(record.body["require"]))
        if need is lease.Need.DELIVERY and not served:
            return
        publisher = self.publisher() if served and need is not lease.Need.END else lease.NOBODY
        if not self._records.remedy(record, sessions, publisher, gone):
            return
        if need is lease.Need.REPLACEMENT:
            self._abandon(id_of(record))
        if served:
            self._deliver(record)

    def _mourns(self, record: Record, worker: str) -> bool:
        """Whether a task's worker on this machine is gone, and no living process hears that from its engine."""
        task_id, publisher = id_of(record), record.body["publisher"]
        if task_id in self._watched or task_id in self._settling or not is_gone(worker):
            return False
        own = publisher == self._session.id
        return (own or has_ended(self._storage, publisher)) and self._backend().strengths.sees_death

    def _abandon(self, task_id: str) -> None:
        """Let go of a delivery whose worker gives no signs of life, and end that worker where that is certain."""
        with self._lock:
            watched = self._watched.pop(task_id, None)
        strengths = self._backend().strengths
        if watched is not None and strengths.cancel == "kill" and strengths.sees_death:
            self._backend().cancel(task_id)

    def _deliver(self, record: Record) -> None:
        """Hand a task to the engine; where that is out of reach, it waits for whoever sees it next."""
        body, task_id = record.body, id_of(record)
        require = frozenset(body["require"])
        backend = self._backend()
        delivery = Delivery(task_id, envelope_of(record), require, body["timeout"], body["deliveries"])
        try:
            engine = backend.submit(delivery)
        except TaskError as error:
            self._records.mark_published([task_id], lease.NOBODY)
            logger.warning("task %s could not be handed out again, and waits: %s", task_id, error)
            return
        self.watch(task_id, engine, backend.holder(require))
        logger.info("task %s was handed out again", task_id)

    # --- in the thread

    def _pause(self) -> float:
        return TICK if self._watched or self._retried else LOOK

    def _session_beat(self) -> None:
        if self._session.is_open:
            self._session.beat()

    def _settle_all(self) -> None:
        for task_id in list(self._watched):
            self.settle(task_id)

    def _look(self) -> None:
        """Compare what this process delivered with the records."""
        with self._lock:
            watched, retried = dict(self._watched), self._retried - self._watched.keys()
        found = self._records.records([*watched, *retried])
        for task_id in watched.keys() & found.keys():
            record = found[task_id]
            if lease.has_ended(record.body):
                self._stop(task_id)
            else:
                self._remedy(record, {record.body["publisher"]})
        for task_id in retried:
            self._retry(task_id, found.get(task_id))
        self._hand_over(watched, found)

    def _retry(self, task_id: str, record: Record | None) -> None:
        """Hand out a task that this process delivered and that is to be run again, when its time has come."""
        if record is not None and lease.waits(record.body) and record.body["publisher"] == lease.NOBODY:
            self._remedy(record, {self._session.id})
        else:
            with self._lock:
                self._retried.discard(task_id)

    def _stop(self, task_id: str) -> None:
        """Stop a task that was ended elsewhere."""
        with self._lock:
            watched = self._watched.pop(task_id, None)
        if watched is not None and not watched.engine.wait(ANSWERED):
            self._backend().cancel(task_id)

    def _hand_over(self, watched: Mapping[str, _Watched], found: Mapping[str, Record]) -> None:
        """Note who answers for what has waited for a while with somebody else."""
        before = time.monotonic() - HANDED_OVER
        waiting = {
            task_id: task
            for task_id, task in watched.items()
            if task.since < before and task.engine.state is EngineState.QUEUED and task_id in found
        }
        self._note_holders({at: task for at, task in waiting.items() if self._is_publisher(found[at])})

    def _is_publisher(self, record: Record) -> bool:
        return bool(record.body["publisher"] == self._session.id)

    def _note_holders(self, watched: Mapping[str, _Watched]) -> None:
        for holder in {task.holder for task in watched.values() if task.holder is not None}:
            held = [task_id for task_id, task in watched.items() if task.holder == holder]
            self._records.mark_published(held, holder)

    def _reap(self) -> None:
        """Do what any open task needs."""
        sessions = self._living()
        for task_id in [task_id for task_id, _ in self._records.needy(sessions, is_gone)]:
            self._remedy(self._records.record(task_id), sessions)

    # --- the end

    def retire(self) -> None:
        """The thread ends; what is settled from now on is settled for good. Called before the runtime is closed."""
        with self._lock:
            self._closed = True
        self._rounds.end()

    def close(self) -> None:
        """Settle what this process delivered, and go. Called after the runtime was closed."""
        self._note_holders(dict(self._watched))
        for task_id in list(self._watched):
            try:
                self.settle(task_id)
            except TaskNotFoundError:
                continue
        with self._lock:
            self._settled.wait_for(lambda: not self._settling, SETTLED)
        self._session.close()


def _with_notes(error: TaskError) -> ErrorData:
    """An error as data, with what the worker printed at last in its text."""
    data = to_data(error)
    return data.model_copy(update={"message": "\n".join((data.message, *data.notes))})

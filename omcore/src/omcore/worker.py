"""The worker's side of a task: the one function that every engine's workers call.

`execute` checks the signature, opens the context by name, runs the action and returns the outcome as data. It never
raises for what a task says or does.
"""

from __future__ import annotations

import logging
from functools import cache
from threading import RLock, current_thread, main_thread

from cachetools import LRUCache

from omcore.config import ContextSettings, load_settings
from omcore.context import Context, WorkerFunctions
from omcore.errors import ContextNotFoundError, OmError
from omcore.omega import Omega
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.errordata import to_data
from omcore.runtimes.sessions import worker_id
from omcore.runtimes.task import Outcome, State, TaskSpec
from omcore.shares import execution_of

logger = logging.getLogger(__name__)

ANSWERS = 16 << 20
"""Bytes of the outcomes of light tasks that a worker keeps, to answer a message that comes again with them."""


def execute(envelope: bytes) -> bytes:
    """Run one task.

    Args:
        envelope: a signed task, as `TaskSpec.seal` made it. Its context is found among those that this process was
            prepared with, and then in its own configuration.

    Returns:
        The outcome as ASCII JSON. A message that is refused, for whatever reason, has an outcome too; nothing is
        raised.
    """
    task_id = ""
    try:
        sealed = SealedTask(envelope)
        task_id = sealed.unverified.id
        found = _site().find(sealed.unverified)
        spec = sealed.open(found.context.auth)
        return _site().run(spec, found[spec.bucket])
    except OmError as error:
        logger.warning("task %s was not run: %s", task_id or "without an id", error)
        return _failed(task_id, error)
    except BaseException as error:
        logger.exception("task %s could not be run", task_id or "without an id")
        return _failed(task_id, error)


def prepare(contexts: bytes) -> None:
    """Tell this process a context that it may work in; opens nothing.

    Args:
        contexts: what `ContextSettings.dump` wrote.
    """
    _site().add(contexts)


def run_here(spec: TaskSpec, omega: Omega) -> Outcome:
    """Run a task that this process has just made, in a context that it has open.

    Raises:
        KeyboardInterrupt: the keyboard's interrupt; nothing else is raised.
    """
    try:
        return execution_of(spec, omega, here=True).run()
    except Exception as error:
        logger.exception("task %s could not be run", spec.id)
        return Outcome(id=spec.id, state=State.FAILURE, error=to_data(error), worker=worker_id())


FUNCTIONS = WorkerFunctions(execute, prepare, run_here)
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
        self._started_here = False
        self._answers: LRUCache[str, bytes] = LRUCache(ANSWERS, getsizeof=len)

    def add(self, contexts: bytes) -> None:
        with self._lock:
            self._started_here = True
            if contexts not in self._pending:
                self._pending.append(contexts)

    def run(self, spec: TaskSpec, omega: Omega) -> bytes:
        """Run a task, or answer a light one that was run here before as it was answered then."""
        alone = self._started_here and current_thread() is main_thread()
        execution = execution_of(spec, omega, alone=alone)
        if spec.durable:
            omega.context.look_after_tasks()
            return execution.run().dump()
        with self._lock:
            known = self._answers.get(spec.id)
        if known is not None:
            return known
        outcome = execution.run()
        answer = outcome.dump()
        if outcome.state.final and len(answer) <= ANSWERS:
            with self._lock:
                self._answers[spec.id] = answer
        return answer

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


def _failed(task_id: str, error: BaseException) -> bytes:
    return Outcome(id=task_id, state=State.FAILURE, error=to_data(error), worker=worker_id()).dump()

"""What the workers of sabotaged runtimes call: `omcore.worker.execute`, and a mistake. It is imported by workers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from omcore import worker
from omcore.runtimes.envelope import SealedTask
from omcore.runtimes.task import Outcome, State
from omcore.runtimes.tasktable import PREFIX
from omcore.storage.backend import Put

if TYPE_CHECKING:
    from omcore.omega import Omega


def _open(envelope: bytes) -> Omega:
    """The context of a task."""
    return worker._site().find(SealedTask(envelope).unverified)


def _rewrite(envelope: bytes, **fields: Any) -> None:
    """Change the record of a task, as nobody may."""
    storage = _open(envelope).context.storage
    record = storage.get_record(PREFIX + SealedTask(envelope).unverified.id)
    if record is not None:
        storage.commit([Put(record.key, {**record.body, **fields}, record.revision)])


def _reopen(envelope: bytes) -> None:
    """Let a task be claimed again, whatever became of it."""
    _rewrite(envelope, state="PENDING", outcome=None, ended=None)


def execute_unclaimed(envelope: bytes) -> bytes:
    """Run a task although another worker runs it."""
    _reopen(envelope)
    return worker.execute(envelope)


def execute_twice(envelope: bytes) -> bytes:
    """Run a task, and then once more, to be sure."""
    worker.execute(envelope)
    return execute_unclaimed(envelope)


def execute_in_spite(envelope: bytes) -> bytes:
    """Run a task that was cancelled once more, and let it have its way."""
    outcome = worker.execute(envelope)
    return execute_unclaimed(envelope) if Outcome.load(outcome).state is State.REVOKED else outcome


def execute_gladly(envelope: bytes) -> bytes:
    """Make a success of every failure, also in the record."""
    outcome = Outcome.load(worker.execute(envelope))
    if outcome.state is State.FAILURE:
        outcome = outcome.model_copy(update={"state": State.SUCCESS, "error": None})
        _rewrite(envelope, state="SUCCESS", outcome=outcome.model_dump(mode="json"))
    return outcome.dump()


def execute_for_anybody(envelope: bytes) -> bytes:
    """Sign whatever comes."""
    return worker.execute(SealedTask(envelope).unverified.seal(_open(envelope).context.auth))


def execute_aside(envelope: bytes) -> bytes:
    """Run a task in a thread, so that its process cannot be ended with it."""
    outcomes: list[bytes] = []
    thread = threading.Thread(target=lambda: outcomes.append(worker.execute(envelope)))
    thread.start()
    thread.join()
    return outcomes[0]

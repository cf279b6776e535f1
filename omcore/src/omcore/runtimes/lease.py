"""The life of a durable task as pure functions on the body of its record.

    PENDING -> STARTED -> SUCCESS | FAILURE
       ^          |
       +- RETRY <-+        and from wherever it has not ended: REVOKED, LOST, FAILURE (a timeout)

A worker *claims* a task: it becomes the next attempt, whose lease it renews while it lives. What an attempt does to the
record counts only while it is the current one. A task whose lease has ended, or whose publisher is gone before any
worker claimed it, is *due*: whoever sees that gives it to another worker, or ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from omcore.runtimes.backend import ENGINE
from omcore.runtimes.task import ErrorData, Outcome, State, staged
from omcore.storage.backend import REFERENCES_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from omcore.runtimes.task import TaskSpec
    from omcore.storage.backend import Body

SCHEMA = 2
"""The form of the bodies."""

NOBODY = ""
"""Who has published a task that must be published again."""


class Need(StrEnum):
    """What a record needs from whoever sees it.

    Attributes:
        NOTHING: it is as it should be.
        DELIVERY: nobody is going to run it: hand it to the engine.
        REPLACEMENT: its worker is gone: make it wait again, and hand it to the engine.
        END: nobody will run it any more, or it took too long.
    """

    NOTHING = "nothing"
    DELIVERY = "delivery"
    REPLACEMENT = "replacement"
    END = "end"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a record needs, and why.

    Attributes:
        need: what.
        outcome: how it ends, where it needs that.
    """

    need: Need
    outcome: Outcome | None = None


NOTHING = Diagnosis(Need.NOTHING)


# --- transitions


def created(spec: TaskSpec, envelope: bytes, publisher: str) -> Body:
    """The body of a task that is about to be handed to the engine by `publisher`."""
    return {
        "schema_version": SCHEMA,
        "state": State.PENDING.value,
        "attempt": 0,
        "deaths": 0,
        "failures": 0,
        "proxy": spec.proxy,
        "action": spec.action,
        "object": str(spec.object),
        "bucket": spec.bucket,
        "require": list(spec.require),
        "parent": spec.parent,
        "call": spec.call,
        "submitted": spec.submitted,
        "waiting": spec.submitted,
        "start_timeout": spec.start_timeout,
        "deadline": spec.deadline,
        "timeout": spec.timeout,
        "lease": spec.lease,
        "deliveries": spec.deliveries,
        "publisher": publisher,
        "due": None,
        "started": None,
        "leased": None,
        "ended": None,
        "worker": "",
        "progress": None,
        "error": None,
        "envelope": envelope.decode("ascii"),
        "outcome": None,
        REFERENCES_FIELD: staged(*spec.arguments.values()),
    }


def waits(body: Body) -> bool:
    """Whether a worker may claim it."""
    return body["state"] in {State.PENDING, State.RETRY}


def has_ended(body: Body) -> bool:
    """Whether it stays as it is."""
    return State(body["state"]).final


def claimed(body: Body, worker: str, now: float) -> Body:
    """The next attempt, on this worker."""
    return {
        **body,
        "state": State.STARTED.value,
        "attempt": body["attempt"] + 1,
        "worker": worker,
        "started": now,
        "leased": now + body["lease"],
        "due": None,
        "progress": None,
    }


def alive(body: Body, now: float, progress: Mapping[str, Any] | None) -> Body:
    """The worker of the current attempt lives."""
    return {**body, "leased": now + body["lease"], "progress": progress}


def published(body: Body, publisher: str) -> Body:
    """It was handed to the engine by, and depends on, `publisher`."""
    return {**body, "publisher": publisher}


def failed(body: Body, error: ErrorData, due: float) -> Body:
    """The current attempt raised an error, and the task is to be run again at `due`."""
    again = _waiting(body, due)
    return {**again, "failures": body["failures"] + 1, "error": error.model_dump(), "due": due}


def declined(body: Body, error: ErrorData, due: float) -> Body:
    """The worker of the current attempt is not fit for the task, which is to be given to another one."""
    again = _waiting(body, due)
    return {**again, "deaths": body["deaths"] + 1, "error": error.model_dump(), "due": due}


def bereft(body: Body, publisher: str, now: float) -> Body:
    """The worker of the current attempt is gone, or nobody was able to start one; `publisher` hands it out again."""
    return {**_waiting(body, now), "deaths": body["deaths"] + 1, "publisher": publisher}


def ended(body: Body, outcome: Outcome, now: float) -> Body:
    """It has ended."""
    fields = {"state": outcome.state.value, "ended": now, "leased": None, "due": None}
    told = outcome.model_copy(update={"recorded": True}).model_dump(mode="json")
    return {**body, **fields, "outcome": told, REFERENCES_FIELD: staged(outcome.value)}


def _waiting(body: Body, since: float) -> Body:
    fields = {"state": State.RETRY.value, "waiting": since, "publisher": NOBODY, "leased": None, "worker": ""}
    return {**body, **fields}


# --- what it needs


def nobody_is(_worker: str) -> bool:
    """The answer of who sees no worker's death."""
    return False


def diagnose(
    task_id: str, body: Body, now: float, sessions: Collection[str], gone: Callable[[str], bool] = nobody_is
) -> Diagnosis:
    """Say what a record needs.

    Args:
        task_id: whose record it is.
        body: its body.
        now: seconds since the epoch.
        sessions: the processes that live.
        gone: whether a worker is known to be gone, before its lease has ended.
    """
    if has_ended(body):
        return NOTHING
    late = _late(task_id, body, now)
    if late is not None:
        return Diagnosis(Need.END, late)
    if body["state"] == State.STARTED:
        if gone(body["worker"]):
            return _of_started(task_id, body, f"its worker {body['worker']} is gone")
        return _of_started(task_id, body) if _lease_ended(body, now) else NOTHING
    orphan = body["publisher"] != ENGINE and body["publisher"] not in sessions
    if body["deaths"] >= body["deliveries"]:
        return Diagnosis(Need.END, used_up(task_id, body))
    return Diagnosis(Need.DELIVERY) if orphan and (body["due"] is None or body["due"] <= now) else NOTHING


def truth(task_id: str, body: Body, now: float) -> tuple[State, Outcome | None]:
    """Where a task is; and how it ends where it is over and its record does not say so yet."""
    found = diagnose(task_id, body, now, {body["publisher"]})
    if found.outcome is not None:
        return found.outcome.state, found.outcome
    return State.RETRY if found.need is Need.REPLACEMENT else State(body["state"]), None


def used_up(task_id: str, body: Body, why: str = "") -> Outcome:
    """The end of a task that no worker survived; `why` is what is known of the last one."""
    last = why or (body["error"] or {}).get("message") or f"worker {body['worker'] or '?'} gave no more signs of life"
    workers = "one worker" if body["deliveries"] == 1 else f"{body['deliveries']} workers one after the other"
    message = f"task {task_id} was lost: it was given to {workers} and ended by none; of the last is known: {last}"
    return Outcome(id=task_id, state=State.LOST, error=ErrorData(type="omcore.errors.TaskLostError", message=message))


def _lease_ended(body: Body, now: float) -> bool:
    return body["leased"] is not None and body["leased"] <= now


def _of_started(task_id: str, body: Body, why: str = "") -> Diagnosis:
    if body["deaths"] + 1 >= body["deliveries"]:
        return Diagnosis(Need.END, used_up(task_id, body, why))
    return Diagnosis(Need.REPLACEMENT)


def _late(task_id: str, body: Body, now: float) -> Outcome | None:
    """The end of a task that took longer than one of its limits."""
    if body["deadline"] is not None and now >= body["deadline"]:
        return timed_out(task_id, too_late(body))
    patience = body["start_timeout"]
    if waits(body) and patience is not None and now >= body["waiting"] + patience:
        return timed_out(task_id, f"was not started within {patience:g} seconds")
    running = body["state"] == State.STARTED and body["timeout"] is not None
    if running and now >= body["started"] + body["timeout"]:
        return timed_out(task_id, too_long(body["timeout"]))
    return None


def too_late(body: Body) -> str:
    """What is said of a task that had not ended at its deadline."""
    allowed = body["deadline"] - body["submitted"]
    return f"had not ended {allowed:g} seconds after it was submitted, which is its limit"


def too_long(timeout: float) -> str:
    """What is said of a task that ran so many seconds."""
    return f"ran longer than the {timeout:g} seconds it was given"


def timed_out(task_id: str, how: str) -> Outcome:
    """The end of a task that took too long."""
    data = ErrorData(type="omcore.errors.TaskTimeoutError", message=f"task {task_id} {how}, and was ended")
    return Outcome(id=task_id, state=State.FAILURE, error=data)

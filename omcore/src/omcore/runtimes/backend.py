"""The runtime contract: deliver tasks to workers, and report who can work.

A runtime knows envelopes and labels; it knows nothing of models, stores or actions. To write one, subclass
[RuntimeBackend][omcore.runtimes.backend.RuntimeBackend] and let the conformance kit in `omcore.testing.runtime` tell
you what is missing. What a task does, how its outcome is kept, retried and signed is the core's business: a worker of
any engine calls one function, `omcore.worker.execute`, with the bytes it was given, and hands back those it returns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from pydantic import BaseModel

    from omcore.storage.backend import Place

API_VERSION = 1
"""The version of this contract; a backend states the one it was written for as a literal."""

ENGINE = "engine"
"""Who holds a delivery that an engine keeps, whatever becomes of the processes that use it."""


class EngineState(StrEnum):
    """What an engine knows of a delivery; the state of a task is more than this and is the core's."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Strengths:
    """What an engine can do; printed by `om doctor`, checked by the kit.

    Attributes:
        cancel: what `cancel` does to a *running* task: `kill` ends it, `cooperative` asks it to end, `none` lets it
            run on. A queued task is never started after `cancel` returned, whatever this says.
        delivery: `at-most-once` loses a task with its worker, `at-least-once` delivers it again.
        in_order: tasks of the same labels start in the order they were submitted, on one worker of capacity 1, as
            long as nothing is delivered again.
        timeout: `kill` when the engine itself ends a task that runs longer than its delivery allows, else `none`.
        survives_client: what was submitted goes on when the submitting process closes the runtime or dies.
        sees_death: when a handle is `LOST`, whatever ran its task runs no more, so that it can be run again at once.
    """

    cancel: Literal["kill", "cooperative", "none"]
    delivery: Literal["at-most-once", "at-least-once"]
    in_order: bool
    timeout: Literal["kill", "none"] = "none"
    survives_client: bool = False
    sees_death: bool = False


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A live worker.

    Attributes:
        id: unique among the live workers of the runtime.
        labels: what it offers; a task goes to a worker that offers every label it requires.
        capacity: how many tasks it runs at once.
        running: the ids of the tasks it runs now, as far as the engine tells.
    """

    id: str
    labels: frozenset[str]
    capacity: int = 1
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task on its way to a worker.

    Attributes:
        id: the task's id; the engine's own id for the delivery should be the same where the engine allows it.
        envelope: what the worker hands to `execute`; ASCII text (JSON), usually a few kilobytes.
        require: the labels that the worker must offer, all of them; empty means any worker.
        timeout: seconds the task may run before the engine should stop it; `None` for no limit.
        max_deliveries: how often an engine that delivers again may start it, or the engine's own bound where it has
            but one for all; then the handle is lost. It bounds what a task can do that kills its workers.
    """

    id: str
    envelope: bytes
    require: frozenset[str] = frozenset()
    timeout: float | None = None
    max_deliveries: int = 3


@dataclass(frozen=True, slots=True)
class WorkerEntry:
    """What a worker calls. All of it can be sent to another process: functions by their import path, and bytes.

    Attributes:
        execute: runs one task: envelope in, outcome out, both ASCII text (JSON). It never raises, whatever the
            task does, and it relies on no cleaning up when the worker ends, since most engines' workers just stop.
        prepare: called with `contexts` in each worker that the runtime starts itself, before its first task. It is
            idempotent, costs nothing the second time, and opens nothing: the worker may fork after it.
        contexts: the client's context for such workers. It holds secrets: hand it over through a pipe or a private
            file, never in a task. A worker that was started by hand finds its contexts in its own configuration.
        identity: equal for clients whose tasks the same worker may run, because they name the same storage, keys and
            rules. Secrets went into it: compare it, and show it to nobody. Empty where `contexts` has to be equal.
    """

    execute: Callable[[bytes], bytes]
    prepare: Callable[[bytes], None]
    contexts: bytes = field(repr=False)
    identity: str = field(default="", repr=False)


class EngineHandle(Protocol):
    """What the engine knows of one delivery. Its `repr` names the task, and no secret."""

    @property
    def state(self) -> EngineState:
        """Where the delivery is now; an engine that cannot tell `RUNNING` from `QUEUED` says `QUEUED`."""
        ...

    def wait(self, timeout: float | None) -> bool:
        """Wait until the state is final, at most `timeout` seconds (`None`: for ever); say whether it is."""
        ...

    def outcome(self) -> bytes:
        """The bytes that `execute` returned; asked when the state is final.

        Raises:
            TaskLostError: the worker died, or the engine lost the result; the message says which.
            TaskCancelledError: it was cancelled.
            TaskTimeoutError: the engine ended it because it ran longer than its delivery allowed.
        """
        ...


class RuntimeBackend(ABC):
    """One context's connection to an engine. Safe to share between threads; a forked child opens its own."""

    api_version: ClassVar[int]
    """The literal `1`: the version of the contract that this backend was written for."""

    Options: ClassVar[type[BaseModel]]
    """What the configuration may say about this backend. Extra keys are forbidden; secrets are `SecretStr`."""

    strengths: ClassVar[Strengths]
    """What the engine can do."""

    @abstractmethod
    def __init__(
        self, options: Any, place: Place, worker: WorkerEntry, labels: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Make the connection; starting processes may wait until the first task.

        Args:
            options: an instance of `Options`.
            place: the context's name, and a folder for local files.
            worker: what a worker calls.
            labels: the context's label vocabulary: a label and what it means to this engine, for example
                `{"gpu": {"queue": "gpu-a100"}}`. A label that is not in it means itself.
        """

    @abstractmethod
    def submit(self, delivery: Delivery) -> EngineHandle:
        """Hand a task to the engine. Who submits has checked that a live worker offers the labels, or chose to wait.

        Returning means handed over, not received. Submitting an id again delivers it again, and the handle may answer
        with the outcome of an earlier delivery of that id. A delivery does not depend on its handle: dropping that
        changes nothing.

        Raises:
            TaskError: the engine is known to be out of reach, or this runtime is closed; nothing was submitted.
        """

    @abstractmethod
    def cancel(self, task_id: str) -> None:
        """Keep a task that waits for a worker from starting; treat a running one as `strengths.cancel` says.

        When it returns, the task's handle is final, whatever a running body still does: `CANCELLED`, or as it ended
        before. It covers every delivery of that id that this object made, and those of others as far as the engine
        reaches them. An id that is unknown is no error.
        """

    @abstractmethod
    def workers(self) -> Sequence[WorkerInfo]:
        """The live workers; may take a second. A runtime that starts its workers itself lists those it would start."""

    def labels(self) -> frozenset[str]:
        """Every label that some live worker offers."""
        return frozenset[str]().union(*(worker.labels for worker in self.workers()))

    def serves(self, require: frozenset[str]) -> bool:
        """Say whether one live worker offers all of these labels.

        It is asked before every task. Where `workers()` is slow, override it and keep a positive answer for some
        seconds; a negative one is always asked afresh.
        """
        return any(require <= worker.labels for worker in self.workers())

    def holder(self, require: frozenset[str]) -> str | None:  # noqa: ARG002 - for runtimes where it depends
        """Say who goes on with a delivery with these labels when this process closes the runtime or dies.

        Returns:
            `None` for nobody; `ENGINE` for an engine with a memory of its own; the id of another process's session,
            which keeps a sign of life in the store.
        """
        return ENGINE if self.strengths.survives_client else None

    @abstractmethod
    def close(self) -> None:
        """End what this object started, and only that; calling it twice is harmless, `submit` raises afterwards.

        What was submitted and has not ended goes on where `strengths.survives_client` says so, and is lost otherwise.
        A process that ends without calling it ends all the same: threads that wait are daemons.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Served(Protocol):
    """Workers with which this process serves in the foreground. Leaving its `with` block ends them, at once."""

    @property
    def name(self) -> str:
        """What `holder` calls this process, where it holds deliveries for its clients; empty where the engine does."""
        ...

    @property
    def address(self) -> str | Path:
        """Where its clients find it, for people."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a task runs, or is about to."""
        ...

    def workers(self) -> Sequence[WorkerInfo]:
        """These workers, whatever others there are; none once they have ended by themselves. Asked every second."""
        ...

    def drain(self) -> None:
        """Take nothing more, and start nothing more; what runs goes on."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class SupportsServe(Protocol):
    """A runtime whose workers are started with `om runtime worker`, which serves in the foreground until it is told."""

    def open_group(self, workers: int | None = None, labels: Iterable[str] = ()) -> Served:
        """Start workers that all clients of the context share, and use no others from now on.

        Args:
            workers: how many tasks they run at once; `None` for what the options say.
            labels: what each of them offers.

        Raises:
            ConfigurationError: there can be none here; the sentence says why.
        """
        ...

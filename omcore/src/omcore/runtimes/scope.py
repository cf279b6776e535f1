"""`om.runtime`: where and how the next tasks run."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from omcore.errors import InvalidArgumentError, PluginNotFoundError
from omcore.runtimes.task import LONGEST_TIMEOUT
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.runtimes.backend import RuntimeBackend, WorkerInfo
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.records import TaskInfo
    from omcore.runtimes.task import State
    from omcore.signing import KeyRing


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """How a task is to be run.

    Attributes:
        require: labels that the worker must offer; empty leaves it to the object's attributes.
        local: run it here, in this process, whatever the runtime.
        timeout: seconds it may run; `None` for the context's default.
        durable: keep a record also of a light action.
        detached: let it go on when this process ends.
        wait: queue it although no live worker offers the labels; `None` for the context's default.
    """

    require: frozenset[str] = frozenset()
    local: bool = False
    timeout: float | None = None
    durable: bool = False
    detached: bool = False
    wait: bool | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An action called on an object.

    Attributes:
        proxy: the proxy's name.
        store: the store of the object.
        object: the object's reference, as it was given.
        action: the action's name.
        arguments: the values, by parameter.
        data: the parameters whose text values are references to datasets.
        durable: whether the action must have a record.
    """

    proxy: str
    store: str
    object: str
    action: str
    arguments: Mapping[str, Any]
    data: frozenset[str]
    durable: bool


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """A runtime to be assigned to `om.runtime`; what a plugin's `OmegaRuntime...(...)` makes.

    Attributes:
        backend: the class of the runtime backend.
        options: what its `Options` take.
        auth: the keys that sign tasks; `None` for the context's own.
    """

    backend: type[RuntimeBackend]
    options: Mapping[str, Any] = field(repr=False)
    auth: KeyRing | None = field(default=None)


class Engine(Protocol):
    """What a scope asks of its context."""

    @property
    def auth(self) -> KeyRing:
        """The keys that sign tasks."""
        ...

    def submit(self, call: Call, options: TaskOptions) -> Handle:
        """Make a task of the call and hand it to the runtime."""
        ...

    def proxy(self, name: str) -> Callable[[Scope, str], Any]:
        """The proxy class of that name."""
        ...

    def handle(self, task_id: str) -> Handle:
        """The handle of a durable task."""
        ...

    def tasks(self, state: State | None) -> Sequence[TaskInfo]:
        """The durable tasks."""
        ...

    def backend(self) -> RuntimeBackend:
        """The runtime backend, connected."""
        ...


class Scope:
    """Submits tasks with some options. Immutable: every method that changes an option returns a new scope.

    `om.runtime.model("m")`, `.job("j")`, `.script("s")`, or whatever proxies are installed, call actions on a stored
    object.
    """

    def __init__(self, engine: Engine, options: TaskOptions | None = None) -> None:
        self._engine = engine
        self._options = options or TaskOptions()

    # --- options

    def require(self, *labels: str) -> Scope:
        """Send tasks to workers that offer all these labels, besides those required before."""
        for label in labels:
            if not isinstance(label, str) or not label.strip():
                message = f"a label is a word such as 'gpu', not {label!r}"
                raise InvalidArgumentError(message)
        return self._with(require=self._options.require | frozenset(labels))

    def mode(self, *, local: bool) -> Scope:
        """Run tasks in this process (`local=True`), for debugging, or on the runtime (`local=False`)."""
        return self._with(local=local)

    def timeout(self, seconds: float) -> Scope:
        """Let tasks run for so many seconds at most."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_TIMEOUT:
            asked = one_line(reprlib.repr(seconds))
            message = f"a timeout is a positive number of seconds, at most {LONGEST_TIMEOUT:.0f}, not {asked}"
            raise InvalidArgumentError(message)
        return self._with(timeout=float(seconds))

    def durable(self) -> Scope:
        """Keep a record also of light tasks such as `predict`, so that any process can ask for their result."""
        return self._with(durable=True)

    def detach(self) -> Scope:
        """Let tasks go on when this process ends; they are durable, so that any process can ask for their result.

        A runtime whose work ends with its client is passed by: each task gets a process of its own on this machine.
        """
        return self._with(durable=True, detached=True)

    def wait(self, enabled: bool = True) -> Scope:
        """Queue tasks even when no live worker offers the labels, instead of raising `NoWorkerError`."""
        return self._with(wait=enabled)

    def _with(self, **changes: Any) -> Scope:
        return Scope(self._engine, replace(self._options, **changes))

    # --- what there is

    @property
    def options(self) -> TaskOptions:
        """The options of this scope."""
        return self._options

    @property
    def auth(self) -> KeyRing:
        """The keys that sign this context's tasks; give them to a runtime that is assigned to `om.runtime`."""
        return self._engine.auth

    @property
    def backend(self) -> RuntimeBackend:
        """The runtime backend, connected."""
        return self._engine.backend()

    def workers(self) -> Sequence[WorkerInfo]:
        """The live workers."""
        return self.backend.workers()

    def labels(self) -> frozenset[str]:
        """Every label that some live worker offers."""
        return self.backend.labels()

    def task(self, task_id: str) -> Handle:
        """The handle of a durable task, from any process.

        Raises:
            TaskNotFoundError: there is no durable task of that id.
        """
        return self._engine.handle(task_id)

    def tasks(self, state: State | None = None) -> list[TaskInfo]:
        """The durable tasks of this context, latest first."""
        return sorted(self._engine.tasks(state), key=lambda task: task.submitted, reverse=True)

    # --- tasks

    def submit(self, call: Call) -> Handle:
        """Submit one call; what proxies use."""
        return self._engine.submit(call, self._options)

    def __getattr__(self, name: str) -> Callable[[str], Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            proxy = self._engine.proxy(name)
        except PluginNotFoundError as error:
            raise AttributeError(str(error)) from error
        return lambda reference: proxy(self, reference)

    def __repr__(self) -> str:
        return f"<runtime scope {self._options}>"

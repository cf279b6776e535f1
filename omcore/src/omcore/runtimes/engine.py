"""What a scope asks of its context: calls, with how they are to be run, on whatever runtime was chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from omcore.runtimes.rules import NO_RULES, TaskRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.explanation import Explanation
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.scope import Scope
    from omcore.runtimes.task import State
    from omcore.runtimes.tasklist import TaskInfo
    from omcore.signing import KeyRing


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """How a task is to be run.

    Attributes:
        require: labels that the worker must offer; empty leaves it to the object's attributes.
        local: run it here, in this process, whatever the runtime.
        durable: keep a record also of a light action.
        detached: let it go on when this process ends.
        wait: queue it although no live worker offers the labels; `None` for the context's default.
        key: what makes a repeated call the same task; empty for none.
        rules: how it is run; what they leave open the object's attributes say, and then the configuration.
    """

    require: frozenset[str] = frozenset()
    local: bool = False
    durable: bool = False
    detached: bool = False
    wait: bool | None = None
    key: str = ""
    rules: TaskRules = NO_RULES


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

    def explain(self, store: str, reference: str | None, options: TaskOptions) -> Explanation:
        """Where a task on an object, or on any, would run."""
        ...

    def tasks(self, state: State | None) -> Sequence[TaskInfo]:
        """The durable tasks."""
        ...

    def backend(self) -> RuntimeBackend:
        """The runtime backend, connected."""
        ...

"""`om.runtime`: where and how the next tasks run."""

from __future__ import annotations

import reprlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError, PluginNotFoundError
from omcore.runtimes.engine import TaskOptions
from omcore.runtimes.rules import make_rules
from omcore.runtimes.task import LONGEST_TIMEOUT, State
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.runtimes.backend import RuntimeBackend, WorkerInfo
    from omcore.runtimes.engine import Call, Engine
    from omcore.runtimes.explanation import Explanation
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.tasklist import TaskInfo
    from omcore.signing import KeyRing


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
        if not isinstance(local, bool):
            raise InvalidArgumentError(f"local is true or false, not {local!r}")
        return self._with(local=local)

    def timeout(
        self,
        seconds: float | None = None,
        *,
        start: float | None = None,
        total: float | None = None,
        heartbeat: float | None = None,
    ) -> Scope:
        """Bound how long tasks take; what is `None` stays as it is.

        Args:
            seconds: that one attempt may run.
            start: seconds that a task may wait for a worker.
            total: seconds from its submission to its end, with all waiting and all attempts; kept for durable tasks.
            heartbeat: seconds after the last sign of life of its worker that a durable task is given to another one.
        """
        said = {"timeout": seconds, "start_timeout": start, "total_timeout": total, "heartbeat": heartbeat}
        asked = {name: value for name, value in said.items() if value is not None}
        for value in asked.values() or [None]:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_TIMEOUT:
                shown = one_line(reprlib.repr(value))
                message = f"a timeout is a positive number of seconds, at most {LONGEST_TIMEOUT:.0f}, not {shown}"
                raise InvalidArgumentError(message)
        return self._ruled(asked, "a timeout")

    def retry(
        self,
        times: int,
        *,
        delay: float = 1.0,
        factor: float = 2.0,
        longest: float = 60.0,
        on: type[Exception] | str | Sequence[type[Exception] | str] = Exception,
    ) -> Scope:
        """Run tasks again whose action raises.

        Args:
            times: how often at most.
            delay: seconds before the first time.
            factor: how much longer each further delay is.
            longest: seconds that no delay exceeds.
            on: the errors that it applies to, with all that derive from them: classes, or their full names.
        """
        kinds = [on] if isinstance(on, type | str) else list(on)
        for kind in kinds:
            if not (isinstance(kind, str) and "." in kind) and not (
                isinstance(kind, type) and issubclass(kind, BaseException)
            ):
                message = (
                    f"a retry is for errors: their classes, or full names such as 'builtins.OSError', not {kind!r}"
                )
                raise InvalidArgumentError(message)
        if not kinds or isinstance(times, bool) or not isinstance(times, int):
            raise InvalidArgumentError(f"a retry is for some errors and a number of times, not {kinds!r} and {times!r}")
        names = [f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else kind for kind in kinds]
        rule = {"times": times, "delay": delay, "factor": factor, "longest": longest, "on": names}
        return self._ruled({"retry": rule}, "a retry")

    def memory(self, size: int | str) -> Scope:
        """Let tasks take so many bytes on top of what their worker has: a number, or a size such as `"2GiB"`."""
        return self._ruled({"memory": size}, "a limit on memory")

    def environment(self, rule: str) -> Scope:
        """Say what a worker does about a model that was fitted with other versions of the libraries.

        Args:
            rule: `warn` in the task's log, `refuse`, leave it to a worker `elsewhere`, or `ignore`.
        """
        return self._ruled({"environment": rule}, "a rule for environments")

    def idempotent(self, key: str) -> Scope:
        """Make a repeated call the same task: with an equal key it is run once, and every call gets that one's result.

        The task is durable. A key that was used for another call in this bucket is refused; it is free again when the
        record of the task has been cleared away.
        """
        if not isinstance(key, str) or not key.strip():
            raise InvalidArgumentError(f"an idempotency key is a text such as 'nightly-2026-11-22', not {key!r}")
        return self._with(durable=True, key=key)

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

    def _ruled(self, said: Mapping[str, Any], where: str) -> Scope:
        return self._with(rules=make_rules(said, where).over(self._options.rules))

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
        """The durable tasks of this context, latest first.

        Args:
            state: only those in this state; its name will do.

        Raises:
            InvalidArgumentError: there is no such state.
        """
        if state is not None and state not in State.__members__.values():
            raise InvalidArgumentError(f"there is no state {state!r}; there are {', '.join(State.__members__)}")
        state = None if state is None else State(state)
        return sorted(self._engine.tasks(state), key=lambda task: task.submitted, reverse=True)

    def explain(self, store: str = "models", reference: str | None = None) -> Explanation:
        """Say which labels a task of this scope would require, and which live workers would take it.

        Args:
            store: the store of the object that it would be about.
            reference: that object, whose attributes may require labels; `None` for what the scope alone requires.
        """
        return self._engine.explain(store, reference, self._options)

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

"""The local runtime: warm worker processes on this machine, with nothing to install or to start.

A worker is a fresh interpreter that runs one task at a time. It starts with the first task that needs it, has the
client's `sys.path` and working directory but not its `__main__`, and ends with the client, however that ends. What a
task prints on standard output or error does not reach the client's terminal.

Where a group of workers of the context is there, which `om runtime worker` starts and all its clients share, tasks go
to that instead, if it offers their labels. They go on there when the client ends.

    [contexts.dev]
    runtime = { backend = "local", workers = 2, pools.big = { workers = 1, labels = ["memory"] } }

    [contexts.dev.labels]
    gpu = { pool = "big" }          # so the worker of the pool "big" offers the labels "memory" and "gpu"
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from omcore.errors import NoWorkerError
from omcore.runtimes.backend import RuntimeBackend, Strengths
from omcore.runtimes.group.finding import Groups
from omcore.runtimes.group.meeting import Meeting, identity_of
from omcore.runtimes.group.wire import WireError
from omcore.runtimes.layout import DEFAULT_POOL, Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omcore.runtimes.backend import Delivery, EngineHandle, WorkerEntry, WorkerInfo
    from omcore.runtimes.group.client import GroupClient
    from omcore.runtimes.group.group import Group
    from omcore.runtimes.pool import Pool
    from omcore.storage.backend import Place

MOST_WORKERS = 1000
"""Worker processes of one kind; nobody means more on one machine."""


class PoolOptions(BaseModel):
    """Workers of one kind.

    Attributes:
        workers: how many.
        labels: what each of them offers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 1
    labels: frozenset[str] = frozenset()


class LocalOptions(BaseModel):
    """What the configuration may say about the local runtime.

    Attributes:
        workers: how many worker processes; `None` for one a usable core, at most four.
        labels: what each of them offers.
        pools: further workers, which offer other labels, by a name for them.
        threads: how many threads the numerical libraries of one worker may use; `None` for an equal share of the
            usable cores. Variables such as `OMP_NUM_THREADS` in the client's environment go before it.
        shared: whether tasks go to a group of workers that runs for the context: `None` for where there is one that
            offers the labels, and to workers of the client's own otherwise; true for only there; false for never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: Annotated[int, Field(ge=0, le=MOST_WORKERS)] | None = None
    labels: frozenset[str] = frozenset()
    pools: dict[str, PoolOptions] = {}
    threads: PositiveInt | None = None
    shared: bool | None = None

    @field_validator("pools")
    @classmethod
    def _leave_the_default_alone(cls, pools: dict[str, PoolOptions]) -> dict[str, PoolOptions]:
        if DEFAULT_POOL in pools:
            message = f"the pool {DEFAULT_POOL!r} is described by the options 'workers' and 'labels', not in 'pools'"
            raise ValueError(message)
        return pools


class LocalRuntime(RuntimeBackend):
    """Runs tasks in worker processes of its own, or of a group that clients share; a task is lost when those die."""

    api_version = 1
    Options: ClassVar[type[BaseModel]] = LocalOptions
    strengths = Strengths(cancel="kill", delivery="at-most-once", in_order=True, timeout="kill", sees_death=True)

    def __init__(
        self, options: LocalOptions, place: Place, worker: WorkerEntry, labels: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Check labels; start nothing.

        Raises:
            ConfigurationError: a label means something that the local runtime does not know.
        """
        self._options = options
        self._worker = worker
        self._layout = Layout(options, labels, place.context)
        self._place = place
        self._closed = False
        self._pools: dict[int, Pool] = {}
        self._found: dict[int, Groups] = {}
        self._opened: Group | None = None

    def submit(self, delivery: Delivery) -> EngineHandle:
        if self._opened is not None:
            return self._opened.submit(delivery)
        while (group := self._group_for(delivery.require)) is not None:
            with suppress(WireError):  # it went this very moment
                return group.submit(delivery)
        if self._options.shared and not self._closed:
            raise NoWorkerError(self._nobody(delivery.id), delivery.id)
        return self._pool.submit(delivery)

    def cancel(self, task_id: str) -> None:
        if self._opened is not None:
            self._opened.cancel(task_id)
            return
        self._pool.cancel(task_id)
        for group in self._living():
            group.cancel(task_id)

    def workers(self) -> Sequence[WorkerInfo]:
        if self._opened is not None:
            return self._opened.workers()
        shared = [worker for group in self._living() if group.takes for worker in group.workers()]
        return [*shared, *(worker for worker in self._own_workers() if _needed(worker, shared))]

    def serves(self, require: frozenset[str]) -> bool:
        if self._opened is not None:
            return self._opened.serves(require)
        if any(group.takes and group.fitting(require) for group in self._living()):
            return True
        return not self._options.shared and any(require <= offers for offers in self._layout.workers.values())

    def holder(self, require: frozenset[str]) -> str | None:
        group = self._opened or self._group_for(require)
        return None if group is None else group.name

    def close(self) -> None:
        self._closed = True
        if self._opened is not None:
            self._opened.close()
        self._pool.close()
        if found := self._found.get(os.getpid()):
            found.close()

    def open_group(self, workers: int | None = None, labels: Iterable[str] = ()) -> Group:
        """Start a group of workers in this process, which clients of the context share, and use only that from now on.

        Args:
            workers: how many; `None` and no labels for the workers that the options describe.
            labels: what each of them offers.

        Raises:
            ConfigurationError: there can be none here; the sentence says why.
        """
        from omcore.runtimes.group.group import Group

        offers = frozenset(labels)
        as_described = workers is None and not offers
        found = self._layout.workers if as_described else self._layout.of_one_kind(workers, offers)
        self._opened = Group(self._worker, found, self._layout.threads(len(found)), self._meeting)
        return self._opened

    # --- the groups

    def _living(self) -> Sequence[GroupClient]:
        return [] if self._closed or self._options.shared is False else self._groups.living()

    def _group_for(self, require: frozenset[str]) -> GroupClient | None:
        if self._closed or self._options.shared is False:
            return None
        return self._groups.best(require, anyway=bool(self._options.shared))

    @property
    def _groups(self) -> Groups:
        """This process's own connections."""
        found = self._found.get(os.getpid())
        if found is None:
            found = self._found.setdefault(os.getpid(), Groups(self._meeting, identity_of(self._worker)))
            weakref.finalize(self, found.close).atexit = False
        return found

    @cached_property
    def _meeting(self) -> Meeting:
        return Meeting(self._place.home)

    def _nobody(self, task_id: str) -> str:
        refusals = "".join(f"; one is there, but {why}" for why in self._groups.refusals)
        return (
            f"task {task_id} cannot be submitted: context {self._place.context!r} says `shared = true`, and no group "
            f"of workers is there to take it{refusals}; start one with 'om runtime worker'"
        )

    # --- the workers of its own

    def _own_workers(self) -> Sequence[WorkerInfo]:
        return [] if self._options.shared else self._pool.workers()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self._layout.workers)} workers>"

    @property
    def _pool(self) -> Pool:
        """This process's own: a fork of the client has workers of its own."""
        pid = os.getpid()
        return self._pools.get(pid) or self._pools.setdefault(pid, self._new_pool())

    def _new_pool(self) -> Pool:
        from omcore.runtimes.pool import Pool

        workers = self._layout.workers
        pool = Pool(self._worker, workers, self._layout.threads(len(workers)))
        weakref.finalize(self, pool.close, wait=False).atexit = False
        return pool


def _needed(own: WorkerInfo, shared: Sequence[WorkerInfo]) -> bool:
    """Whether a worker of this client's own runs something, or would be started for what no group offers."""
    return bool(own.running) or not any(own.labels <= worker.labels for worker in shared)

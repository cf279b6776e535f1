"""The local runtime: warm worker processes on this machine, with nothing to install or to start.

A worker is a fresh interpreter that runs one task at a time. It starts with the first task that needs it, has the
client's `sys.path` and working directory but not its `__main__`, and ends with the client, however that ends. What a
task prints on standard output or error does not reach the client's terminal.

    [contexts.dev]
    runtime = { backend = "local", workers = 2, pools.big = { workers = 1, labels = ["memory"] } }

    [contexts.dev.labels]
    gpu = { pool = "big" }          # so the worker of the pool "big" offers the labels "memory" and "gpu"
"""

from __future__ import annotations

import os
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError, field_validator

from omcore.errors import ConfigurationError
from omcore.runtimes.backend import RuntimeBackend, Strengths
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omcore.runtimes.backend import Delivery, EngineHandle, WorkerEntry, WorkerInfo
    from omcore.runtimes.pool import Pool
    from omcore.storage.backend import Place

DEFAULT_POOL = "default"
"""The name of the pool that the options `workers` and `labels` describe."""

MOST_BY_DEFAULT = 4
"""More worker processes than this are started only when the configuration says so: each keeps its own models."""


class PoolOptions(BaseModel):
    """Workers of one kind.

    Attributes:
        workers: how many.
        labels: what each of them offers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: PositiveInt = 1
    labels: frozenset[str] = frozenset()


class LocalOptions(BaseModel):
    """What the configuration may say about the local runtime.

    Attributes:
        workers: how many worker processes; `None` for one a usable core, at most four.
        labels: what each of them offers.
        pools: further workers, which offer other labels, by a name for them.
        threads: how many threads the numerical libraries of one worker may use; `None` for an equal share of the
            usable cores. Variables such as `OMP_NUM_THREADS` in the client's environment go before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: NonNegativeInt | None = None
    labels: frozenset[str] = frozenset()
    pools: dict[str, PoolOptions] = {}
    threads: PositiveInt | None = None

    @field_validator("pools")
    @classmethod
    def _leave_the_default_alone(cls, pools: dict[str, PoolOptions]) -> dict[str, PoolOptions]:
        if DEFAULT_POOL in pools:
            message = f"the pool {DEFAULT_POOL!r} is described by the options 'workers' and 'labels', not in 'pools'"
            raise ValueError(message)
        return pools


class LabelMeaning(BaseModel):
    """What a label of the context's vocabulary may mean to the local runtime.

    Attributes:
        pool: the pool whose workers offer it; `None` when it means itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pool: str | None = None


class LocalRuntime(RuntimeBackend):
    """Runs tasks in worker processes of its own; a task is lost when its worker dies."""

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
        self._offers = _offers(options, labels, place.context)
        self._pools: dict[int, Pool] = {}

    def submit(self, delivery: Delivery) -> EngineHandle:
        return self._pool.submit(delivery)

    def cancel(self, task_id: str) -> None:
        self._pool.cancel(task_id)

    def workers(self) -> Sequence[WorkerInfo]:
        return self._pool.workers()

    def close(self) -> None:
        self._pool.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self._layout)} workers>"

    @property
    def _pool(self) -> Pool:
        """This process's own: a fork of the client has workers of its own."""
        pid = os.getpid()
        return self._pools.get(pid) or self._pools.setdefault(pid, self._new_pool())

    def _new_pool(self) -> Pool:
        from omcore.runtimes.pool import Pool

        pool = Pool(self._worker, self._layout, self._threads)
        weakref.finalize(self, pool.close, wait=False).atexit = False
        return pool

    @property
    def _threads(self) -> int:
        return self._options.threads or max(1, self._cores // max(1, len(self._layout)))

    @cached_property
    def _layout(self) -> Mapping[str, frozenset[str]]:
        """The id of every worker, and the labels it offers."""
        workers = self._options.workers
        counts = {DEFAULT_POOL: min(self._cores, MOST_BY_DEFAULT) if workers is None else workers}
        counts |= {name: pool.workers for name, pool in self._options.pools.items()}
        return {
            f"{name}-{number}": self._offers[name] for name, count in counts.items() for number in range(1, count + 1)
        }

    @cached_property
    def _cores(self) -> int:
        from loky import cpu_count

        return int(cpu_count())


def _offers(
    options: LocalOptions, labels: Mapping[str, Mapping[str, Any]], context: str
) -> Mapping[str, frozenset[str]]:
    """The labels that the workers of each pool offer."""
    offers = {DEFAULT_POOL: options.labels} | {name: pool.labels for name, pool in options.pools.items()}
    for label, meaning in labels.items():
        pool = _meaning(label, meaning, context).pool
        if pool is not None and pool not in offers:
            message = (
                f"label {label!r} of context {context!r} means the pool {pool!r}, which the local runtime does not "
                f"have; {near(pool, offers)}its pools are {listed(offers)}"
            )
            raise ConfigurationError(message)
        if pool is not None:
            offers[pool] |= {label}
    return offers


def _meaning(label: str, meaning: Mapping[str, Any], context: str) -> LabelMeaning:
    try:
        return LabelMeaning.model_validate(dict(meaning))
    except ValidationError:
        message = (
            f"label {label!r} of context {context!r} has a meaning that the local runtime does not know; it takes "
            f'{{ pool = "..." }}, or nothing for a label that means itself'
        )
        raise ConfigurationError(message) from None

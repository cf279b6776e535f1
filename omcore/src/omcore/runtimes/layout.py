"""Which workers the local runtime has: an id for each, the labels that it offers, and its share of the cores."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from omcore.errors import ConfigurationError
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.runtimes.local import LocalOptions

DEFAULT_POOL = "default"
"""The name of the pool that the options `workers` and `labels` describe."""

MOST_BY_DEFAULT = 4
"""More worker processes than this are started only when the configuration says so: each keeps its own models."""


class LabelMeaning(BaseModel):
    """What a label of the context's vocabulary may mean to the local runtime.

    Attributes:
        pool: the pool whose workers offer it; `None` when it means itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pool: str | None = None


class Layout:
    """The workers that the options describe."""

    def __init__(self, options: LocalOptions, labels: Mapping[str, Mapping[str, Any]], context: str) -> None:
        """Check the labels.

        Args:
            options: the options.
            labels: the context's label vocabulary.
            context: the context's name.

        Raises:
            ConfigurationError: a label means something that the local runtime does not know.
        """
        self._options = options
        self._offers = _offers(options, labels, context)

    @cached_property
    def workers(self) -> Mapping[str, frozenset[str]]:
        """The id of every worker, and the labels it offers."""
        counts = {DEFAULT_POOL: self._usual}
        counts |= {name: pool.workers for name, pool in self._options.pools.items()}
        return {
            f"{name}-{number}": self._offers[name] for name, count in counts.items() for number in range(1, count + 1)
        }

    def of_one_kind(self, number: int | None, labels: frozenset[str]) -> Mapping[str, frozenset[str]]:
        """So many workers, or the usual number, that offer these labels."""
        return {f"{DEFAULT_POOL}-{each}": labels for each in range(1, (number or self._usual) + 1)}

    def threads(self, workers: int) -> int:
        """How many threads the numerical libraries of one of so many workers may use."""
        return self._options.threads or max(1, self._cores // max(1, workers))

    @cached_property
    def _usual(self) -> int:
        workers = self._options.workers
        return min(self._cores, MOST_BY_DEFAULT) if workers is None else workers

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

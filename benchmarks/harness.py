"""Runs pairs round robin, so that whatever else the machine does hits both sides alike.

Believe ratios, not absolute times: a round measures one side of a pair right after the other, in turns as to who comes
first, and goes on to the next pair before it comes back.
"""

from __future__ import annotations

import gc
import statistics
import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def nothing() -> None:
    """What is done before a call that needs nothing done."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What is promised: at most `ratio` times the peer, or at most `over` milliseconds more than the peer.

    Attributes:
        ratio: of the medians.
        over: of the medians, in milliseconds.
        p95: of the times that 19 of 20 calls take at most.
    """

    ratio: float | None = None
    over: float | None = None
    p95: float | None = None

    def holds(self, ours: Times, peer: Times) -> bool:
        """Whether the times of both sides keep the promise."""
        if self.ratio is not None and ours.median > peer.median * self.ratio:
            return False
        if self.p95 is not None and ours.p95 > peer.p95 * self.p95:
            return False
        return self.over is None or ours.median <= peer.median + self.over

    def __str__(self) -> str:
        parts = [f"{self.ratio:g}x"] if self.ratio is not None else []
        parts += [f"p95 {self.p95:g}x"] if self.p95 is not None else []
        parts += [f"+{self.over:g} ms"] if self.over is not None else []
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Duel:
    """The two sides of a pair, ready to be called.

    Attributes:
        ours: what is measured.
        peer: what it is measured against.
        before_ours: done before each call of `ours`, unmeasured.
        before_peer: done before each call of `peer`, unmeasured.
    """

    ours: Callable[[], object]
    peer: Callable[[], object]
    before_ours: Callable[[], object] = nothing
    before_peer: Callable[[], object] = nothing


Opener: TypeAlias = "Callable[[Path], AbstractContextManager[Duel]]"


@dataclass(frozen=True, slots=True)
class Pair:
    """A measurement.

    Attributes:
        name: what it is called on the command line and in reports.
        ours: what we do, in a few words.
        peer: what it is measured against, in a few words.
        bar: what is promised; `None` for a measurement without a promise.
        rounds: how many rounds it is worth.
        calls: how many calls of each side a round makes.
        open: sets up both sides in a folder of their own, and cleans up afterwards.
    """

    name: str
    ours: str
    peer: str
    bar: Bar | None
    rounds: int
    open: Opener
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Times:
    """The milliseconds that the calls of one side took."""

    calls: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the calls took at most this long."""
        return statistics.median(self.calls)

    @property
    def p95(self) -> float:
        """19 of 20 calls took at most this long."""
        return sorted(self.calls)[max(0, -(-len(self.calls) * 19 // 20) - 1)]


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of a pair."""

    pair: Pair
    ours: Times
    peer: Times

    @property
    def ratio(self) -> float:
        """Our median by the peer's."""
        return self.ours.median / self.peer.median

    @property
    def over(self) -> float:
        """Milliseconds of our median over the peer's."""
        return self.ours.median - self.peer.median

    @property
    def holds(self) -> bool | None:
        """Whether the bar is kept; `None` where there is none."""
        return self.pair.bar.holds(self.ours, self.peer) if self.pair.bar else None


def measure(
    pairs: Sequence[Pair], folder: Path, rounds: int | None = None, progress: Callable[[int, str], None] | None = None
) -> list[Result]:
    """Run pairs round robin and say how long their calls took.

    Args:
        pairs: what to measure.
        folder: an empty folder to work in.
        rounds: how many rounds for each pair, instead of its own number.
        progress: told the number of the round, from 1, and the name of the pair before it is measured.
    """
    wanted = {pair.name: rounds or pair.rounds for pair in pairs}
    taken: dict[str, tuple[list[float], list[float]]] = {pair.name: ([], []) for pair in pairs}
    with ExitStack() as stack:
        duels = _open(pairs, folder, stack)
        for number in range(max(wanted.values(), default=0)):
            for pair in pairs:
                if number < wanted[pair.name]:
                    if progress:
                        progress(number + 1, pair.name)
                    _run_round(duels[pair.name], pair.calls, taken[pair.name], ours_first=number % 2 == 0)
    return [Result(pair, Times(tuple(taken[pair.name][0])), Times(tuple(taken[pair.name][1]))) for pair in pairs]


def _open(pairs: Sequence[Pair], folder: Path, stack: ExitStack) -> Mapping[str, Duel]:
    """Set up every pair, and call each side once, so that what is imported or started on first use is not measured."""
    duels = {}
    for pair in pairs:
        own = folder / pair.name
        own.mkdir()
        duel = duels[pair.name] = stack.enter_context(pair.open(own))
        duel.before_ours()
        duel.ours()
        duel.before_peer()
        duel.peer()
    return duels


def _run_round(duel: Duel, calls: int, taken: tuple[list[float], list[float]], *, ours_first: bool) -> None:
    sides = [(duel.ours, duel.before_ours, taken[0]), (duel.peer, duel.before_peer, taken[1])]
    for call, before, times in sides if ours_first else reversed(sides):
        gc.collect()
        for _ in range(calls):
            before()
            start = time.perf_counter_ns()
            call()
            times.append((time.perf_counter_ns() - start) / 1e6)

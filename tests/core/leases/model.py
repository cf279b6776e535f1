"""What a durable task is, in few words: the model that its record is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

from omcore.runtimes.task import State

ENGINE, NOBODY = "engine", ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task was given; `None` for no limit."""

    lease: float = 10.0
    deliveries: int = 3
    timeout: float | None = None
    start: float | None = None
    total: float | None = None


@dataclass(slots=True)
class Task:
    """A task that was submitted at a time, and what has happened to it since then.

    Attributes:
        holder: who sees to it that somebody runs it.
        attempt: how often it was started; the last of these runs it while it is `STARTED`.
        asked: when it began to wait for a worker.
        due: before this time no worker gets it.
    """

    limits: Limits
    submitted: float
    holder: str
    state: State = State.PENDING
    attempt: int = 0
    deaths: int = 0
    failures: int = 0
    asked: float = 0.0
    started: float = 0.0
    leased: float = 0.0
    due: float = 0.0
    results: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.asked = self.submitted

    @property
    def waits(self) -> bool:
        """Whether a worker may get it."""
        return self.state in {State.PENDING, State.RETRY}

    def is_late(self, now: float) -> bool:
        """Whether it took longer than one of its limits."""
        limits = self.limits
        total = limits.total is not None and now >= self.submitted + limits.total
        start = limits.start is not None and self.waits and now >= self.asked + limits.start
        running = limits.timeout is not None and self.state is State.STARTED and now >= self.started + limits.timeout
        return not self.state.final and (total or start or running)

    def is_given_up(self, now: float) -> bool:
        """Whether as many workers as it was given have died with it."""
        if self.state is State.STARTED:
            return now >= self.leased and self.deaths + 1 >= self.limits.deliveries
        return self.waits and self.deaths >= self.limits.deliveries

    def end_if_over(self, now: float) -> bool:
        """End it where nobody may run it any more; say whether that was so."""
        if self.is_late(now):
            self.state = State.FAILURE
        elif self.is_given_up(now):
            self.state = State.LOST
        else:
            return False
        return True

    def claim(self, now: float) -> int | None:
        """The number of the attempt that a worker is given, if it is given one."""
        if not self.waits or self.due > now or self.end_if_over(now):
            return None
        self.state, self.started, self.leased = State.STARTED, now, now + self.limits.lease
        self.attempt, self.due = self.attempt + 1, 0.0
        return self.attempt

    def is_held(self, attempt: int) -> bool:
        """Whether it is this attempt that runs it."""
        return self.state is State.STARTED and self.attempt == attempt

    def wait(self, now: float, holder: str) -> None:
        """Its worker is gone: it waits for another one."""
        self.state, self.asked, self.holder = State.RETRY, now, holder
        self.deaths += 1

    def fail(self, due: float) -> None:
        """Its attempt raised, and it is to be run again."""
        self.state, self.asked, self.due, self.holder = State.RETRY, due, due, NOBODY
        self.failures += 1

    def decline(self, due: float) -> None:
        """Its worker was not fit for it."""
        if self.deaths + 1 >= self.limits.deliveries:
            self.state = State.FAILURE
        else:
            self.wait(due, NOBODY)
            self.due = due

    def remedy(self, now: float, living: frozenset[str], reaper: str) -> None:
        """Somebody sees to it that it goes on, or ends."""
        if self.end_if_over(now):
            return
        if self.state is State.STARTED and now >= self.leased:
            self.wait(now, reaper)
        elif self.waits and self.due <= now and self.holder not in {ENGINE, *living}:
            self.holder = reaper

    def lose(self, now: float, reaper: str) -> None:
        """What ran it is gone for certain."""
        if self.state.final:
            return
        if self.deaths + 1 >= self.limits.deliveries:
            self.state = State.LOST
        else:
            self.wait(now, reaper)

"""Lives of durable tasks, step by step: what clients, workers and reapers do to their records, in any order.

A history does every step to records in a storage and to the model, and compares the two. It ends with everybody
gone, and one reaper who has to bring every task to its end.
"""

from __future__ import annotations

from functools import partial
from operator import eq
from typing import TYPE_CHECKING, NamedTuple

from omcore.errors import TaskLostError
from omcore.runtimes.claims import Claim
from omcore.runtimes.sessions import LIFETIME, living
from omcore.runtimes.task import ErrorData, Outcome, State
from omcore.storage.backend import Put

from .model import ENGINE, Limits, Task
from .world import Attempt, World, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST = 3
WAITS = (0.5, 3.0, 6.0, 11.0, 35.0)
LIMITS = (
    Limits(),
    Limits(deliveries=1),
    Limits(timeout=20.0, deliveries=2),
    Limits(start=12.0),
    Limits(total=50.0, timeout=9.0, start=30.0),
)
STEPS = (
    *("rest", "submit", "replace", "claim", "claim", "claim_twice", "beat", "die", "wait", "wait", "reap", "look"),
    *("remedy", "lose", "retry", "decline", "cancel", "commit", "commit", "commit_late", "fail", "publish"),
    *("arrive", "leave", "live", "mourn"),
)  # fmt: skip
OOPS = ErrorData(type="builtins.ValueError", message="oops")


class Step(NamedTuple):
    """What is done, and a number that says to which task, by whom, or for how long."""

    name: str
    which: int


def steps_of(drawn: bytes) -> list[Step]:
    """The history that some bytes stand for; of zeros, one in which a task is submitted and nothing else happens."""
    pairs = zip(drawn[::2], drawn[1::2], strict=False)
    steps = [Step(STEPS[name % len(STEPS)], which % 10) for name, which in pairs]
    return [Step("submit", 0), *(step for step in steps if step.name != "rest")]


class History(World):
    """What happens in a world."""

    def run(self, steps: Sequence[Step]) -> None:
        """Do the steps and compare after each; then bring all tasks to their end."""
        for step in steps:
            getattr(self, f"_{step.name}")(step.which)
            self.compare()
        self._bring_to_an_end()

    # --- the steps of clients

    def _submit(self, which: int) -> None:
        if len(self.tasks) == MOST:
            return
        limits = LIMITS[which % len(LIMITS)]
        holder = self.enter(which)
        spec = spec_of(len(self.tasks), limits, self.clock.time)
        self.records.create(spec, b"{}", holder)
        self.tasks[spec.id] = Task(limits, self.clock.time, holder)
        self.specs[spec.id], self.attempts[spec.id] = spec, []

    def _arrive(self, which: int) -> None:
        self.enter(which)

    def _leave(self, which: int) -> None:
        """A client is closed in good order."""
        self.present[which % 2] = False
        self.sessions[which % 2].close()

    def _publish(self, which: int) -> None:
        """An engine answers for the task from now on."""
        for task_id in self.some(which):
            self.records.mark_published([task_id], ENGINE)
            if self.tasks[task_id].waits:
                self.tasks[task_id].holder = ENGINE

    def _cancel(self, which: int) -> None:
        for task_id in self.some(which):
            told = self.records.end(Outcome(id=task_id, state=State.REVOKED))
            if not self.tasks[task_id].state.final:
                self.tasks[task_id].state = State.REVOKED
            assert told.state is self.tasks[task_id].state

    # --- the steps of workers

    def _claim(self, which: int) -> None:
        for task_id in self.some(which):
            number = self.tasks[task_id].claim(self.clock.time)
            answer = self.records.claim(task_id, f"worker-{which}")
            assert isinstance(answer, Claim) == (number is not None), f"{task_id} was claimed wrongly: {answer}"
            if isinstance(answer, Claim):
                assert answer.attempt == number
                self.attempts[task_id].append(Attempt(answer.attempt, answer))
            else:
                assert answer.state is self.tasks[task_id].state
                assert answer.recorded

    def _claim_twice(self, which: int) -> None:
        """The task is delivered to two workers."""
        self._claim(which)
        self.compare()
        self._claim(which)

    def _beat(self, which: int) -> None:
        for task, attempt in self.worker(which):
            held = task.is_held(attempt.number)
            assert self.records.holds(attempt.claim) == held
            assert self.records.renew(attempt.claim, {"done": which, "total": None, "unit": ""}) == held
            if held:
                task.leased = self.clock.time + task.limits.lease

    def _die(self, which: int) -> None:
        for task_id in self.some(which):
            del self.attempts[task_id][-1:]

    def _commit(self, which: int) -> None:
        for task, attempt in self.worker(which):
            self._finish(task, attempt, State.SUCCESS)

    def _commit_late(self, which: int) -> None:
        """The oldest attempt of all wants to end the task, though it may long have been replaced or have ended it."""
        for task_id in self.some(which):
            for attempt in self.attempts[task_id][:1]:
                self._finish(self.tasks[task_id], attempt, State.SUCCESS)

    def _fail(self, which: int) -> None:
        for task, attempt in self.worker(which):
            self._finish(task, attempt, State.FAILURE)

    def _finish(self, task: Task, attempt: Attempt, state: State) -> None:
        outcome = Outcome(id=attempt.claim.id, state=state, worker=str(attempt.number))
        self.made += 1
        key = f"results/{attempt.claim.id}/{self.made:06}"
        changes = [Put(key, {}, None)] if state is State.SUCCESS else []
        if self._counts(task, attempt, partial(self.records.finish, attempt.claim, outcome, changes)):
            task.state = state
            task.results += [change.key for change in changes]

    def _retry(self, which: int) -> None:
        for task, attempt in self.worker(which):
            if self._counts(task, attempt, partial(self.records.retry, attempt.claim, OOPS, 2.0)):
                task.fail(self.clock.time + 2.0)

    def _decline(self, which: int) -> None:
        for task, attempt in self.worker(which):
            if self._counts(task, attempt, partial(self.records.decline, attempt.claim, OOPS, 1.0)):
                task.decline(self.clock.time + 1.0)

    def _counts(self, task: Task, attempt: Attempt, act: Callable[[], Outcome]) -> bool:
        """Whether what an attempt did to its task counted; that must be so just while it is the current one."""
        held = task.is_held(attempt.number)
        try:
            outcome = act()
        except TaskLostError:
            assert not held, f"attempt {attempt.number} of {attempt.claim.id} was refused, and is the current one"
            return False
        assert held, f"attempt {attempt.number} of {attempt.claim.id} was taken, and is not the current one"
        assert outcome.recorded
        return True

    # --- the steps of those who look after tasks

    def _wait(self, which: int) -> None:
        self.clock.time += WAITS[which % len(WAITS)]

    def _live(self, _: int) -> None:
        """Time passes in which all clients live."""
        for _ in range(3):
            self.clock.time += LIFETIME / 3
            for session, present in zip(self.sessions, self.present, strict=True):
                if present:
                    session.beat()

    def _reap(self, which: int) -> None:
        """A client does what all tasks need."""
        reaper, now = self.enter(which), self.clock.time
        alive = living(self.storage, now)
        needy = dict(self.records.needy(alive))
        for task_id, task in self.tasks.items():
            was = (task.state, task.holder, task.deaths)
            task.remedy(now, alive, reaper)
            assert (task_id in needy) == ((task.state, task.holder, task.deaths) != was)
        for task_id in needy:
            self.records.remedy(self.records.record(task_id), alive, reaper)

    def _mourn(self, which: int) -> None:
        """A client sees that the worker of a task is gone, before its lease has ended."""
        for task_id in self.some(which):
            task, reaper, now = self.tasks[task_id], self.enter(which), self.clock.time
            alive, record = living(self.storage, now), self.records.record(task_id)
            gone = partial(eq, record.body["worker"])
            self.attempts[task_id] = [each for each in self.attempts[task_id] if not task.is_held(each.number)]
            if task.state is State.STARTED:
                assert task_id in dict(self.records.needy(alive, gone))
                task.leased = now
            self.records.remedy(record, alive, reaper, gone)
            task.remedy(now, alive, reaper)

    def _look(self, which: int) -> None:
        """A client reads a task, and does what it needs after a while."""
        for task_id in self.some(which):
            self.seen[task_id] = self.records.record(task_id), living(self.storage, self.clock.time)

    def _remedy(self, which: int) -> None:
        for task_id in self.some(which):
            record, alive = self.seen.pop(task_id, (None, frozenset[str]()))
            if record is None:
                continue
            reaper = self.enter(which)
            unmoved = self.records.record(task_id).revision == record.revision
            delivers = self.records.remedy(record, alive, reaper)
            assert unmoved or not delivers
            if unmoved:
                self.tasks[task_id].remedy(self.clock.time, alive, reaper)

    def _replace(self, which: int) -> None:
        """The worker of the task says nothing for as long as its lease is, and the task is given to another one."""
        self._claim(which)
        self.clock.time += max(limits.lease for limits in LIMITS)
        self._reap(which)
        self._claim(which)

    def _lose(self, which: int) -> None:
        """An engine says that what ran the task is dead."""
        for task_id in self.some(which):
            task, reaper = self.tasks[task_id], self.enter(which)
            self.attempts[task_id] = [each for each in self.attempts[task_id] if not task.is_held(each.number)]
            delivers = self.records.lost(task_id, Outcome(id=task_id, state=State.LOST), reaper)
            task.lose(self.clock.time, reaper)
            assert delivers == (not task.state.final)

    # --- the end

    def _bring_to_an_end(self) -> None:
        """Everybody is gone. One who reaps, and whose workers die with every task, ends all in bounded time."""
        for attempts in self.attempts.values():
            attempts.clear()
        self.clock.time += max(limits.lease for limits in LIMITS) + 2 * LIFETIME
        self.present = [True, False]
        for _ in range(1 + max(limits.deliveries for limits in LIMITS)):
            self._reap(0)
            self.compare()
            for task_id, task in self.tasks.items():
                held = task.holder in {ENGINE, self.sessions[0].id}
                assert task.state.final or held, f"nobody runs {task_id}, which is {task.state}"
            for which in range(len(self.tasks)):
                self._claim(which)
            self.clock.time += max(limits.lease for limits in LIMITS)
        self._reap(0)
        self.compare()
        assert all(task.state.final for task in self.tasks.values())

"""Who looks after durable tasks: what a process delivered, and what nobody looks after any more."""

from __future__ import annotations

import logging
import os
import platform
import time
from typing import TYPE_CHECKING, Protocol

import pytest

from omcore.errors import StorageUnavailableError, TaskCancelledError, TaskError, TaskLostError, TaskTimeoutError
from omcore.runtimes import keeper as keeping
from omcore.runtimes.backend import ENGINE, Delivery, Strengths
from omcore.runtimes.keeper import Keeper
from omcore.runtimes.lease import NOBODY
from omcore.runtimes.sessions import LIFETIME, PREFIX, Session, living
from omcore.runtimes.task import ErrorData, Outcome, State

from .engine import Engine, HandMade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.runtimes.records import TaskRecords
    from omcore.storage.memory import MemoryStorage

    from .conftest import Submit, Take
    from .world import Clock

OOPS = ErrorData(type="builtins.ValueError", message="oops")
PATIENCE = 30.0
ALIVE = f"{platform.node()}:{os.getpid()}"
DEAD = f"{platform.node()}:999999999"


class NewKeeper(Protocol):
    def __call__(self, engine: Engine, clear: Callable[[], object] = ...) -> Keeper: ...


@pytest.fixture
def new_keeper(
    storage: MemoryStorage, records: TaskRecords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NewKeeper]:
    """Makes keepers that look often."""
    for number, name in enumerate(("TICK", "LOOK", "REAP", "CLEAR")):
        monkeypatch.setattr(keeping, name, 0.02 + number / 1000)
    monkeypatch.setattr(keeping, "HANDED_OVER", 0.0)
    made: list[Keeper] = []

    def new(engine: Engine, clear: Callable[[], object] = lambda: None) -> Keeper:
        made.append(Keeper(storage, records, Session(storage, clock), lambda: engine, clear))
        return made[-1]

    yield new
    for keeper in made:
        keeper.retire()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def keeper(new_keeper: NewKeeper, engine: Engine) -> Keeper:
    return new_keeper(engine)


class Deliver(Protocol):
    def __call__(self, **changes: object) -> tuple[str, HandMade]: ...


@pytest.fixture
def deliver(keeper: Keeper, engine: Engine, submit: Submit) -> Deliver:
    """Submits a task and hands it to the engine, as a client does, but starts no thread."""

    def deliver(**changes: object) -> tuple[str, HandMade]:
        task = submit(keeper._session.open(), **changes)
        handle = engine.submit(Delivery(task, b"{}"))
        keeper.watch(task, handle, engine.holds)
        return task, handle

    return deliver


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def lost(task: str) -> TaskLostError:
    return TaskLostError(f"task {task} was lost: its worker ended by SIGKILL", task)


# --- what becomes of a delivery that has ended


def test_a_delivery_that_has_not_ended_has_no_consequences(
    keeper: Keeper, records: TaskRecords, deliver: Deliver
) -> None:
    task, handle = deliver()
    before = records.record(task)
    assert keeper.settle(task) is None
    assert keeper.engine(task) is handle
    assert records.record(task) == before
    assert keeper.settle("0" * 32) is None


def test_what_a_worker_recorded_is_taken_as_it_is(
    keeper: Keeper, records: TaskRecords, deliver: Deliver, take: Take
) -> None:
    task, handle = deliver()
    told = records.finish(take(task), Outcome(id=task, state=State.SUCCESS))
    handle.end(told)
    assert keeper.settle(task) == told
    assert keeper.engine(task) is None


def test_what_a_worker_refused_ends_the_task_and_of_one_that_another_runs_it_ends_nothing(
    keeper: Keeper, records: TaskRecords, deliver: Deliver, take: Take
) -> None:
    refused, taken = deliver(), deliver()
    take(taken[0])
    for task, handle in (refused, taken):
        handle.end(Outcome(id=task, state=State.FAILURE, error=OOPS))
    told = keeper.settle(refused[0])
    assert told is not None
    assert (told.state, told.error, told.recorded) == (State.FAILURE, OOPS, True)
    assert keeper.settle(taken[0]) is None
    assert records.state(taken[0]) is State.STARTED


@pytest.mark.parametrize("kind", [TaskCancelledError, TaskTimeoutError])
def test_what_an_engine_ended_has_ended(
    keeper: Keeper, records: TaskRecords, deliver: Deliver, kind: type[TaskError]
) -> None:
    task, handle = deliver()
    handle.end(kind("the engine says so", task))
    assert keeper.settle(task) == records.outcome(task)
    expected = State.REVOKED if kind is TaskCancelledError else State.FAILURE
    assert records.state(task) is expected


def test_what_died_with_its_worker_is_delivered_again_at_once_and_lost_after_enough_deaths(
    keeper: Keeper, engine: Engine, records: TaskRecords, deliver: Deliver, take: Take
) -> None:
    task, _ = deliver(deliveries=3, require=("cpu",), timeout=9.0)
    for deaths in (1, 2, 3):
        take(task, DEAD)
        engine.made[-1].end(lost(task))
        assert keeper.settle(task) is None
        assert len(engine.made) == min(3, deaths + 1)
    assert engine.made[-1].delivery == Delivery(task, b"{}", frozenset({"cpu"}), 9.0, 3)
    outcome = records.outcome(task)
    assert outcome is not None
    assert outcome.state is State.LOST
    assert outcome.error is not None
    assert "SIGKILL" in outcome.error.message


def test_a_lost_delivery_takes_nothing_from_a_worker_that_lives(
    keeper: Keeper, engine: Engine, records: TaskRecords, deliver: Deliver, take: Take
) -> None:
    task, handle = deliver()
    claim = take(task, ALIVE)
    handle.end(lost(task))
    assert keeper.settle(task) is None
    assert records.holds(claim)
    assert len(engine.made) == 1


def test_consequences_that_the_storage_cannot_take_now_are_drawn_later(
    keeper: Keeper, records: TaskRecords, storage: MemoryStorage, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, handle = deliver()
    handle.end(TaskCancelledError("cancelled", task))

    def unreachable(*_: object) -> None:
        raise StorageUnavailableError("the storage is out of reach")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "commit", unreachable)
        with pytest.raises(StorageUnavailableError):
            keeper.settle(task)
    assert keeper.settle(task) == records.outcome(task)
    assert records.state(task) is State.REVOKED


# --- what is handed out again


def test_what_an_engine_does_not_take_now_is_handed_out_when_it_does(
    keeper: Keeper, engine: Engine, records: TaskRecords, deliver: Deliver, take: Take, caplog: pytest.LogCaptureFixture
) -> None:
    task, handle = deliver()
    take(task, DEAD)
    engine.refusal = TaskError("the engine is out of reach")
    handle.end(lost(task))
    with caplog.at_level(logging.WARNING, "omcore"):
        keeper.settle(task)
    assert "out of reach" in caplog.text
    assert records.record(task).body["publisher"] == NOBODY
    keeper.mind(task)
    engine.refusal = None
    keeper.mind(task)
    assert len(engine.made) == 2


def test_what_failed_is_handed_out_when_its_time_has_come(
    keeper: Keeper, engine: Engine, records: TaskRecords, clock: Clock, deliver: Deliver, take: Take
) -> None:
    task, handle = deliver()
    handle.end(records.retry(take(task), OOPS, 10.0))
    keeper.start()
    until(lambda: keeper.engine(task) is None)
    clock.time += 9.9
    assert keeper.mind(task) is None
    assert len(engine.made) == 1
    clock.time += 0.1
    until(lambda: len(engine.made) == 2)
    assert take(task).attempt == 2


@pytest.mark.parametrize("publisher", ["gone", NOBODY])
def test_what_nobody_looks_after_is_adopted(
    keeper: Keeper, engine: Engine, records: TaskRecords, submit: Submit, publisher: str
) -> None:
    task, others = submit(publisher), submit(publisher, require=("tpu",))
    assert keeper.mind(task) is None
    assert keeper.mind(task) is None
    assert [handle.delivery.id for handle in engine.made] == [task]
    assert records.record(task).body["publisher"] == keeper._session.id
    keeper.mind(others)
    assert records.record(others).body["publisher"] == publisher
    assert len(engine.made) == 1


def test_what_a_living_process_or_an_engine_answers_for_is_left_to_it(
    keeper: Keeper, engine: Engine, storage: MemoryStorage, clock: Clock, submit: Submit
) -> None:
    neighbour = Session(storage, clock)
    for task in (submit(neighbour.open()), submit(ENGINE)):
        assert keeper.mind(task) is None
    assert engine.made == []
    clock.time += LIFETIME + 1
    keeper.mind(submit(neighbour.id))
    assert len(engine.made) == 1


def test_all_that_somebody_left_behind_is_found_without_being_asked_for(
    keeper: Keeper, engine: Engine, records: TaskRecords, clock: Clock, submit: Submit, take: Take
) -> None:
    queued, running, late = submit("gone"), submit("gone"), submit("gone", start_timeout=1.0)
    take(running)
    clock.time += 31
    keeper.start()
    until(lambda: len(engine.made) == 2)
    assert {handle.delivery.id for handle in engine.made} == {queued, running}
    until(lambda: records.record(late).body["state"] == State.FAILURE)
    assert records.record(running).body["deaths"] == 1


def test_a_worker_that_gives_no_signs_of_life_is_ended_before_its_task_is_given_to_another(
    keeper: Keeper, engine: Engine, clock: Clock, deliver: Deliver, take: Take
) -> None:
    task, first = deliver()
    take(task, ALIVE)
    clock.time += 31
    assert keeper.mind(task) is None
    assert engine.cancelled == [task]
    assert first.wait(0)
    assert not engine.made[1].wait(0)
    assert keeper.engine(task) is engine.made[1]
    assert keeper.settle(task) is None


def test_what_ended_long_ago_is_cleared_away_now_and_then_whatever_else_fails(
    new_keeper: NewKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    times: list[int] = []

    def clear() -> None:
        times.append(len(times))
        raise RuntimeError("a bug")

    keeper = new_keeper(Engine(), clear)
    keeper.start()
    until(lambda: len(times) >= 3)
    keeper.retire()
    assert "looking after tasks was interrupted, and goes on" in caplog.text


# --- workers of this machine that are gone


def end_of(storage: MemoryStorage, clock: Clock, publisher: str) -> str:
    """The id of a process that is no more, though others would still take it for alive."""
    if publisher == "killed":
        body = {"host": platform.node(), "pid": int(DEAD.rpartition(":")[2]), "until": clock.time + LIFETIME}
        storage.put_record(PREFIX + publisher, body, None)
    return publisher


@pytest.mark.parametrize("publisher", ["killed", "closed", NOBODY])
def test_what_a_client_that_has_ended_ran_is_handed_out_at_once(
    keeper: Keeper,
    engine: Engine,
    records: TaskRecords,
    storage: MemoryStorage,
    clock: Clock,
    submit: Submit,
    take: Take,
    publisher: str,
) -> None:
    asked, found = submit(end_of(storage, clock, publisher)), submit(publisher)
    for task in (asked, found):
        take(task, DEAD)
    assert keeper.mind(asked) is None
    assert [handle.delivery.id for handle in engine.made] == [asked]
    keeper.start()
    until(lambda: len(engine.made) == 2)
    assert engine.made[1].delivery.id == found
    for task in (asked, found):
        body = records.record(task).body
        assert (body["deaths"], body["publisher"]) == (1, keeper._session.id)
    assert take(asked).attempt == 2


def test_what_ran_in_a_process_of_its_own_is_handed_out_at_once_by_who_submitted_it(
    keeper: Keeper, engine: Engine, submit: Submit, take: Take
) -> None:
    task = submit(keeper._session.open())
    take(task, DEAD)
    assert keeper.mind(task) is None
    assert keeper.engine(task) is engine.made[0]


def test_a_task_that_killed_as_many_workers_as_it_may_is_ended_by_who_finds_the_last_of_them_gone(
    keeper: Keeper, engine: Engine, submit: Submit, take: Take
) -> None:
    task = submit("closed", deliveries=1)
    take(task, DEAD)
    outcome = keeper.mind(task) or keeper.mind(task)
    assert outcome is not None
    assert outcome.state is State.LOST
    assert outcome.error is not None
    assert f"it was given to one worker and ended by none; of the last is known: its worker {DEAD} is gone" in (
        outcome.error.message
    )
    assert engine.made == []


def test_a_worker_that_may_live_and_what_others_see_to_are_left_alone(
    keeper: Keeper,
    engine: Engine,
    records: TaskRecords,
    storage: MemoryStorage,
    clock: Clock,
    submit: Submit,
    deliver: Deliver,
    take: Take,
) -> None:
    alive, far = submit("closed"), submit("closed")
    theirs, (watched, _) = submit(Session(storage, clock).open()), deliver()
    workers = {alive: ALIVE, far: "elsewhere:999999999", theirs: DEAD, watched: DEAD}
    claims = [take(task, worker) for task, worker in workers.items()]
    for task in workers:
        assert keeper.mind(task) is None
    keeper._reap()
    for claim in claims:
        assert records.holds(claim)
    assert len(engine.made) == 1


def test_an_engine_that_sees_no_death_is_not_asked_to_replace_who_is_gone(
    new_keeper: NewKeeper, records: TaskRecords, submit: Submit, take: Take
) -> None:
    class Blind(Engine):
        strengths = Strengths(cancel="none", delivery="at-least-once", in_order=False, survives_client=True)

    keeper = new_keeper(Blind(ENGINE))
    claim = take(submit("closed"), DEAD)
    keeper._reap()
    assert keeper.mind(claim.id) is None
    assert records.holds(claim)


# --- what others did meanwhile


def test_what_was_cancelled_elsewhere_is_stopped(
    keeper: Keeper, engine: Engine, records: TaskRecords, deliver: Deliver
) -> None:
    task, _ = deliver()
    records.end(Outcome(id=task, state=State.REVOKED))
    keeper.start()
    until(lambda: engine.cancelled == [task])
    assert keeper.engine(task) is None


def test_an_engine_that_outlives_its_client_answers_for_what_has_waited_in_it(
    new_keeper: NewKeeper, records: TaskRecords, submit: Submit
) -> None:
    engine = Engine(ENGINE)
    keeper = new_keeper(engine)
    task = submit(keeper.publisher())
    keeper.watch(task, engine.submit(Delivery(task, b"{}")), ENGINE)
    until(lambda: records.record(task).body["publisher"] == ENGINE)


# --- the end of the process


def test_a_process_that_goes_ends_what_ends_with_it(
    keeper: Keeper, records: TaskRecords, storage: MemoryStorage, clock: Clock, deliver: Deliver
) -> None:
    task, handle = deliver()
    keeper.publisher()
    keeper.retire()
    handle.end(TaskLostError(f"task {task} was not finished when the runtime was closed", task))
    keeper.close()
    outcome = records.outcome(task)
    assert outcome is not None
    assert outcome.state is State.LOST
    assert outcome.error is not None
    assert "was not finished when the runtime was closed" in outcome.error.message
    assert living(storage, clock.time) == frozenset()
    assert list(storage.find_records(PREFIX)) == []


def test_a_process_that_goes_leaves_the_rest_to_the_engine(
    new_keeper: NewKeeper, records: TaskRecords, submit: Submit, take: Take
) -> None:
    engine = Engine(ENGINE)
    keeper = new_keeper(engine)
    queued, running = submit(keeper._session.open()), submit(keeper._session.open())
    for task in (queued, running):
        keeper.watch(task, engine.submit(Delivery(task, b"{}")), ENGINE)
    claim = take(running)
    keeper.retire()
    keeper.close()
    assert records.record(queued).body["publisher"] == ENGINE
    assert records.holds(claim)
    assert list(records.needy(())) == []

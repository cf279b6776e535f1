"""The record of a durable task: claimed by one worker at a time, ended once, together with what the task stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from omcore.errors import ConflictError, TaskLostError, TaskNotFoundError
from omcore.runtimes.backend import ENGINE
from omcore.runtimes.claims import Claim
from omcore.runtimes.task import EncodedValue, ErrorData, Outcome, State
from omcore.storage.backend import REFERENCES_FIELD, Put

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.records import TaskRecords
    from omcore.storage.memory import MemoryStorage

    from .conftest import Submit, Take
    from .world import Clock

OOPS = ErrorData(type="builtins.ValueError", message="oops")


def success(task_id: str) -> Outcome:
    return Outcome(id=task_id, state=State.SUCCESS)


def as_recorded(outcome: Outcome) -> Outcome:
    return outcome.model_copy(update={"recorded": True})


# --- one worker at a time


def test_many_workers_may_ask_and_one_gets_the_task(records: TaskRecords, submit: Submit) -> None:
    task = submit()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: records.claim(task, f"w{number}"), range(8)))
    others = [answer for answer in answers if isinstance(answer, Outcome)]
    assert len(others) == 7
    assert {(answer.state, answer.recorded) for answer in others} == {(State.STARTED, True)}
    assert records.state(task) is State.STARTED


def test_a_task_that_has_ended_answers_with_its_outcome_and_is_not_run_again(
    records: TaskRecords, submit: Submit, take: Take
) -> None:
    task = submit()
    told = records.finish(take(task), success(task))
    assert told == as_recorded(success(task))
    assert records.claim(task, "another") == told
    assert records.outcome(task) == told


def test_a_task_that_is_to_be_run_later_is_given_to_nobody_before(
    records: TaskRecords, submit: Submit, take: Take, clock: Clock
) -> None:
    task = submit()
    assert records.retry(take(task), OOPS, 10.0).state is State.RETRY
    clock.time += 9
    assert records.claim(task, "w") == Outcome(id=task, state=State.RETRY, recorded=True)
    clock.time += 1
    again = take(task)
    assert (again.attempt, records.failures(again)) == (2, 1)


def test_a_worker_that_asks_too_late_is_told_the_end(records: TaskRecords, submit: Submit, clock: Clock) -> None:
    task = submit(start_timeout=5.0)
    clock.time += 5
    told = records.claim(task, "w")
    assert isinstance(told, Outcome)
    assert (told.state, told.recorded) == (State.FAILURE, True)
    assert told.error is not None
    assert "was not started within 5 seconds" in told.error.message


# --- the end, once


def test_what_a_task_stores_appears_with_its_outcome_or_not_at_all(
    records: TaskRecords, storage: MemoryStorage, submit: Submit, take: Take
) -> None:
    task = submit()
    claim = take(task)
    storage.put_record("taken", {}, None)
    with pytest.raises(ConflictError) as conflict:
        records.finish(claim, success(task), [Put("made", {}, None), Put("taken", {}, None)])
    assert conflict.value.key == "taken"
    assert storage.get_record("made") is None
    assert records.state(task) is State.STARTED
    records.finish(claim, success(task), [Put("made", {}, None)])
    assert storage.get_record("made") is not None
    assert records.state(task) is State.SUCCESS


@pytest.mark.parametrize("how", ["cancelled", "replaced", "finished"])
def test_nothing_of_an_attempt_that_no_longer_counts_becomes_visible(
    records: TaskRecords, storage: MemoryStorage, submit: Submit, take: Take, clock: Clock, how: str
) -> None:
    task = submit()
    claim = take(task)
    if how == "cancelled":
        records.end(Outcome(id=task, state=State.REVOKED))
    elif how == "finished":
        records.finish(claim, success(task))
    else:
        clock.time += lease_of(records, task)
        assert records.remedy(records.record(task), (), "reaper")
        take(task, "another")
    before = records.record(task)
    acts: list[Callable[[], Outcome]] = [
        lambda: records.finish(claim, success(task), [Put("made", {}, None)]),
        lambda: records.retry(claim, OOPS, 0.0, [Put("made", {}, None)]),
        lambda: records.decline(claim, OOPS, 0.0),
    ]
    for act in acts:
        with pytest.raises(TaskLostError, match="was ended, or given to another worker"):
            act()
    assert not records.renew(claim)
    assert not records.holds(claim)
    assert storage.get_record("made") is None
    assert records.record(task) == before


def lease_of(records: TaskRecords, task: str) -> float:
    return float(records.record(task).body["lease"])


def test_a_worker_goes_on_where_others_noted_something_in_the_record(
    records: TaskRecords, submit: Submit, take: Take
) -> None:
    task = submit()
    claim = take(task)
    stale = Claim(claim.record)
    assert records.renew(claim, {"done": 1, "total": None, "unit": ""})
    assert records.finish(stale, success(task)).state is State.SUCCESS


def test_the_first_end_counts(records: TaskRecords, submit: Submit, take: Take) -> None:
    task = submit()
    told = records.finish(take(task), success(task))
    assert records.end(Outcome(id=task, state=State.LOST)) == told


def test_who_asks_a_task_that_is_over_ends_it_so_that_nobody_is_told_another_end(
    records: TaskRecords, submit: Submit, take: Take, clock: Clock
) -> None:
    asked, listed = submit(timeout=5.0), submit(timeout=5.0)
    claims = [take(asked), take(listed)]
    clock.time += 5
    assert records.state(asked) is State.FAILURE
    assert {info.state for info in records.find()} == {State.FAILURE}
    for claim in claims:
        with pytest.raises(TaskLostError):
            records.finish(claim, success(claim.id))


# --- who sees to it that it goes on


def test_a_task_whose_worker_is_gone_waits_again_says_so_before_anybody_does_something(
    records: TaskRecords, submit: Submit, take: Take, clock: Clock
) -> None:
    task = submit()
    take(task)
    clock.time += lease_of(records, task)
    assert records.state(task) is State.RETRY
    assert [needy for needy, _ in records.needy(())] == [task]
    assert records.remedy(records.record(task), (), "reaper")
    assert list(records.needy({"reaper"})) == []
    assert take(task).attempt == 2


def test_an_engine_answers_for_what_it_holds_and_not_for_what_has_moved_on(
    records: TaskRecords, submit: Submit, take: Take
) -> None:
    waiting, started = submit("gone"), submit("gone")
    claim = take(started)
    records.mark_published([waiting, started, "0" * 32], ENGINE)
    assert list(records.needy(())) == []
    assert records.record(started) == claim.record


def test_a_task_that_kills_its_workers_is_lost_after_as_many_as_it_may_have(
    records: TaskRecords, submit: Submit, take: Take
) -> None:
    task = submit(deliveries=3)
    why = Outcome(id=task, state=State.LOST, error=ErrorData(type="", message="its worker ended by SIGSEGV"))
    for attempt in (1, 2):
        assert take(task).attempt == attempt
        assert records.lost(task, why, "client")
    take(task)
    assert not records.lost(task, why, "client")
    outcome = records.outcome(task)
    assert outcome is not None
    assert outcome.state is State.LOST
    assert outcome.error is not None
    assert "3 workers one after the other" in outcome.error.message
    assert "SIGSEGV" in outcome.error.message
    assert not records.lost(task, why, "client")


def test_workers_that_decline_count_as_those_that_die_and_the_last_says_why(
    records: TaskRecords, submit: Submit, take: Take, clock: Clock
) -> None:
    task = submit(deliveries=2)
    assert records.decline(take(task), OOPS, 1.0).state is State.RETRY
    clock.time += 1
    told = records.decline(take(task), OOPS, 1.0)
    assert (told.state, told.error) == (State.FAILURE, OOPS)
    assert records.outcome(task) == told


# --- what there is to know


def test_the_blobs_that_arguments_and_results_need_are_listed_for_garbage_collection(
    records: TaskRecords, submit: Submit, take: Take
) -> None:
    content = {"parts": [{"digest": "a" * 64}, {"digest": "inline:0"}]}
    staged = EncodedValue(kind="numpy.ndarray", content=content, inline=("AA==",))
    task = submit(arguments={"X": staged})
    assert records.record(task).body[REFERENCES_FIELD] == ["a" * 64]
    result = EncodedValue(kind="numpy.ndarray", content={"parts": [{"digest": "b" * 64}]})
    records.finish(take(task), Outcome(id=task, state=State.SUCCESS, value=result))
    assert records.record(task).body[REFERENCES_FIELD] == ["b" * 64]


def test_tasks_are_found_by_state_as_it_truly_is(
    records: TaskRecords, submit: Submit, take: Take, clock: Clock
) -> None:
    waiting, ended, bereft = submit(), submit(), submit()
    records.finish(take(ended), success(ended))
    take(bereft)
    clock.time += lease_of(records, bereft)
    assert [task.id for task in records.find(State.PENDING)] == [waiting]
    assert [task.id for task in records.find(State.RETRY)] == [bereft]
    assert list(records.find(State.STARTED)) == []
    assert {task.id for task in records.find()} == {waiting, ended, bereft}


def test_what_ended_long_ago_is_forgotten_and_nothing_else(
    records: TaskRecords, submit: Submit, take: Take, clock: Clock
) -> None:
    old, new, running = submit(), submit(), submit()
    take(running)
    records.finish(take(old), success(old))
    clock.time += 100
    records.finish(take(new), success(new))
    assert records.forget(records.ended_before(clock.time)) == [old]
    assert {task.id for task in records.find()} == {new, running}


def test_an_unknown_id_is_an_error(records: TaskRecords) -> None:
    for ask in (records.state, records.outcome, records.envelope, lambda task: records.claim(task, "w")):
        for unknown in ("nope", "0" * 32):
            with pytest.raises(TaskNotFoundError, match=f"there is no task '{unknown}'"):
                ask(unknown)

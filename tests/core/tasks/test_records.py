"""The record of a durable task: claimed once, ended once, together with what the task stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omcore.errors import ConflictError, TaskNotFoundError
from omcore.runtimes.records import Claim, TaskRecords
from omcore.runtimes.task import EncodedValue, Outcome, PinValue, State, TaskSpec, new_id
from omcore.storage.backend import REFERENCES_FIELD, Place, Put
from omcore.storage.memory import MemoryOptions, MemoryStorage


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage(MemoryOptions(), Place("dev", Path("unused")))


@pytest.fixture
def records(storage: MemoryStorage) -> TaskRecords:
    return TaskRecords(storage)


def submitted(records: TaskRecords, **changes: object) -> TaskSpec:
    fields: dict[str, object] = {
        "id": new_id(),
        "context": "dev",
        "fingerprint": "0",
        "bucket": "omega",
        "proxy": "model",
        "object": PinValue(store="models", name="m", version=1, id="0"),
        "action": "fit",
        "arguments": {},
        "submitted": 1.0,
        "durable": True,
    }
    spec = TaskSpec.model_validate({**fields, **changes})
    records.create(spec, b"{}", "client")
    return spec


def success(spec: TaskSpec) -> Outcome:
    return Outcome(id=spec.id, state=State.SUCCESS)


def claimed(records: TaskRecords, spec: TaskSpec) -> Claim:
    claim = records.claim(spec.id, "w")
    assert isinstance(claim, Claim)
    return claim


def test_many_workers_may_ask_and_one_gets_the_task(records: TaskRecords) -> None:
    spec = submitted(records)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: records.claim(spec.id, f"w{number}"), range(8)))
    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert sum(answer is None for answer in answers) == 7
    assert records.state(spec.id) is State.STARTED


def test_a_task_that_has_ended_answers_with_its_outcome_and_is_not_run_again(records: TaskRecords) -> None:
    spec = submitted(records)
    records.finish(claimed(records, spec), success(spec))
    assert records.claim(spec.id, "another") == success(spec)
    assert records.outcome(spec.id) == success(spec)


def test_what_a_task_stores_appears_with_its_outcome_or_not_at_all(
    records: TaskRecords, storage: MemoryStorage
) -> None:
    spec = submitted(records)
    claim = claimed(records, spec)
    storage.put_record("taken", {}, None)
    with pytest.raises(ConflictError):
        records.finish(claim, success(spec), [Put("made", {}, None), Put("taken", {}, None)])
    assert storage.get_record("made") is None
    assert records.state(spec.id) is State.STARTED
    records.finish(claim, success(spec), [Put("made", {}, None)])
    assert storage.get_record("made") is not None
    assert records.state(spec.id) is State.SUCCESS


def test_nothing_of_a_task_that_was_ended_meanwhile_becomes_visible(
    records: TaskRecords, storage: MemoryStorage
) -> None:
    spec = submitted(records)
    claim = claimed(records, spec)
    revoked = Outcome(id=spec.id, state=State.REVOKED)
    assert records.end(revoked) == revoked
    with pytest.raises(ConflictError) as lost:
        records.finish(claim, success(spec), [Put("made", {}, None)])
    assert lost.value.key == claim.record.key
    assert storage.get_record("made") is None
    assert records.state(spec.id) is State.REVOKED


def test_the_first_end_counts(records: TaskRecords) -> None:
    spec = submitted(records)
    records.finish(claimed(records, spec), success(spec))
    assert records.end(Outcome(id=spec.id, state=State.LOST)) == success(spec)


def test_the_blobs_that_arguments_and_results_need_are_listed_for_garbage_collection(
    records: TaskRecords, storage: MemoryStorage
) -> None:
    content = {"parts": [{"digest": "a" * 64}, {"digest": "inline:0"}]}
    staged = EncodedValue(kind="numpy.ndarray", content=content, inline=("AA==",))
    spec = submitted(records, arguments={"X": staged})
    key = f"tasks/{spec.id}"
    found = storage.get_record(key)
    assert found is not None
    assert found.body[REFERENCES_FIELD] == ["a" * 64]
    result = EncodedValue(kind="numpy.ndarray", content={"parts": [{"digest": "b" * 64}]})
    records.finish(claimed(records, spec), Outcome(id=spec.id, state=State.SUCCESS, value=result))
    found = storage.get_record(key)
    assert found is not None
    assert found.body[REFERENCES_FIELD] == ["b" * 64]


def test_tasks_are_found_by_state(records: TaskRecords) -> None:
    waiting, ended = submitted(records), submitted(records)
    records.finish(claimed(records, ended), success(ended))
    assert [task.id for task in records.find(State.PENDING)] == [waiting.id]
    assert {task.id for task in records.find()} == {waiting.id, ended.id}


def test_an_unknown_id_is_an_error(records: TaskRecords) -> None:
    for ask in (records.state, records.outcome, records.envelope, lambda task: records.claim(task, "w")):
        with pytest.raises(TaskNotFoundError, match="there is no task 'nope'"):
            ask("nope")

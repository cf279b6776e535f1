"""The records of a task that several tasks do together: it ends with the last of them, or with the first that fails."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import ConflictError, TaskLostError, TaskNotFoundError
from omcore.runtimes import family
from omcore.runtimes.claims import Claim
from omcore.runtimes.records import TaskRecords
from omcore.runtimes.task import EncodedValue, ErrorData, JsonValue, Outcome, PinValue, State, TaskSpec, new_id
from omcore.storage.backend import Place
from omcore.storage.gc import collect
from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 10


def spec(**fields: Any) -> TaskSpec:
    model = PinValue(store="models", name="m", version=1, id="1")
    told = {"id": new_id(), "context": "test", "fingerprint": "f", "bucket": "omega", "submitted": 0.0}
    return TaskSpec(**{**told, "proxy": "model", "object": model, "action": "predict", "arguments": {}, **fields})


class Family:
    """A parent with some children, on a clock that is set by hand."""

    def __init__(self, children: int = 3, **limits: Any) -> None:
        self.now = 0.0
        self.storage = MemoryStorage(MemoryOptions(), Place("test", None))  # type: ignore[arg-type]
        self.records = TaskRecords(self.storage, lambda: self.now)
        self.parent = spec(durable=True, **limits)
        self.children = [spec(durable=True, parent=self.parent.id, **limits) for _ in range(children)]
        self.records.create_family(
            (self.parent, b"{}"), [(child, b"{}") for child in self.children], ROWS * children, "client"
        )

    def states(self) -> list[State]:
        return [self.records.state(child.id) for child in self.children]

    def state(self) -> State:
        return self.records.state(self.parent.id)

    def claim(self, child: int) -> Claim:
        claim = self.records.claim(self.children[child].id, "worker")
        assert isinstance(claim, Claim)
        return claim

    def succeed(self, claim: Claim) -> None:
        """What a worker does when a share is done."""
        parent = self.records.record(self.parent.id)
        done = self.records.advance(parent, claim.id, ROWS)
        if family.is_last(parent.body, claim.id):
            whole = Outcome(id=self.parent.id, state=State.SUCCESS, value=JsonValue(value="all"))
            done = self.records.ending(parent, whole)
        self.records.finish(claim, Outcome(id=claim.id, state=State.SUCCESS, value=JsonValue(value=1)), [done])

    def forget(self, before: float) -> Sequence[str]:
        """Forget what ended before a time; the ids."""
        return self.records.forget(self.records.ended_before(before))

    def fail(self, claim: Claim) -> None:
        error = ErrorData(type="builtins.ValueError", message="no")
        self.records.finish(claim, Outcome(id=claim.id, state=State.FAILURE, error=error))


@given(st.permutations(range(5)))
def test_the_call_ends_with_the_last_share_in_whatever_order_they_end(order: Sequence[int]) -> None:
    made = Family(5)
    claims = [made.claim(child) for child in range(5)]
    for number, child in enumerate(order):
        assert made.state() is State.STARTED
        assert made.records.record(made.parent.id).body["progress"]["done"] == ROWS * number
        made.succeed(claims[child])
    assert made.state() is State.SUCCESS
    assert made.states() == [State.SUCCESS] * 5


def test_two_shares_that_end_at_once_cannot_both_miss_the_end() -> None:
    made = Family(2)
    first, second = made.claim(0), made.claim(1)
    seen = made.records.record(made.parent.id)
    made.succeed(first)
    stale = made.records.advance(seen, second.id, ROWS)
    with pytest.raises(ConflictError):
        made.records.finish(second, Outcome(id=second.id, state=State.SUCCESS), [stale])
    assert made.states() == [State.SUCCESS, State.STARTED]
    made.succeed(second)
    assert made.state() is State.SUCCESS


def test_a_share_that_fails_ends_the_call_with_its_error_and_all_that_have_not_ended() -> None:
    made = Family(4)
    made.succeed(made.claim(0))
    running = made.claim(1)
    made.fail(made.claim(2))
    assert made.state() is State.FAILURE
    assert made.states() == [State.SUCCESS, State.REVOKED, State.FAILURE, State.REVOKED]
    outcome = made.records.outcome(made.parent.id)
    assert outcome is not None
    assert outcome.error == ErrorData(type="builtins.ValueError", message="no")
    assert not made.records.renew(running)
    with pytest.raises(TaskLostError):
        made.fail(running)


@pytest.mark.parametrize("deaths", [3])
def test_a_share_that_no_worker_survives_ends_the_call(deaths: int) -> None:
    made = Family(2)
    for _ in range(deaths):
        made.claim(0)
        made.records.lost(made.children[0].id, Outcome(id=made.children[0].id, state=State.LOST), "client")
    assert made.state() is State.LOST
    assert made.states() == [State.LOST, State.REVOKED]


def test_a_share_that_may_be_tried_again_leaves_the_call_alone() -> None:
    made = Family(2)
    claim = made.claim(0)
    made.records.retry(claim, ErrorData(type="builtins.ValueError", message="no"), 0.0)
    assert made.state() is State.STARTED
    assert made.states() == [State.RETRY, State.PENDING]
    made.succeed(made.claim(0))
    made.succeed(made.claim(1))
    assert made.state() is State.SUCCESS


def test_cancelling_the_call_cancels_its_shares_and_nothing_of_them_counts_any_more() -> None:
    made = Family(3)
    made.succeed(made.claim(0))
    running = made.claim(1)
    made.records.end(Outcome(id=made.parent.id, state=State.REVOKED))
    assert made.states() == [State.SUCCESS, State.REVOKED, State.REVOKED]
    with pytest.raises(TaskLostError):
        made.records.finish(running, Outcome(id=running.id, state=State.SUCCESS))
    assert made.state() is State.REVOKED


def test_a_share_of_a_call_that_has_ended_is_never_begun() -> None:
    made = Family(2)
    parent = made.records.record(made.parent.id)
    made.storage.commit([made.records.ending(parent, Outcome(id=made.parent.id, state=State.REVOKED))])  # no more
    answer = made.records.claim(made.children[0].id, "worker")
    assert isinstance(answer, Outcome)
    assert answer.state is State.REVOKED


def test_the_deadline_of_the_call_ends_everything() -> None:
    made = Family(2, deadline=60.0)
    made.claim(0)
    made.now = 61.0
    assert made.state() is State.FAILURE
    made.records.remedy(made.records.record(made.parent.id), set(), "")
    assert made.states() == [State.REVOKED, State.REVOKED]


def test_nobody_delivers_the_call_itself() -> None:
    made = Family(2)
    made.now = 10_000.0
    needy = dict(made.records.needy({"client"}))
    assert made.parent.id not in needy
    made.claim(0)
    assert made.parent.id not in dict(made.records.needy(set()))


def test_shares_are_remembered_as_long_as_their_call_goes_on() -> None:
    made = Family(2)
    made.succeed(made.claim(0))
    made.now = 1000.0
    assert made.forget(900.0) == []
    made.succeed(made.claim(1))
    assert sorted(made.forget(1001.0)) == sorted([made.parent.id, *(child.id for child in made.children)])


def test_what_shares_have_made_is_kept_until_the_call_has_ended_and_is_forgotten() -> None:
    made = Family(2)
    digest = made.storage.write_blob([b"the rows of the first share"]).digest
    claim = made.claim(0)
    value = EncodedValue(kind="numpy.ndarray", content={"parts": [{"digest": digest}]})
    parent = made.records.record(made.parent.id)
    outcome = Outcome(id=claim.id, state=State.SUCCESS, value=value)
    made.records.finish(claim, outcome, [made.records.advance(parent, claim.id, ROWS)])
    assert collect(made.storage, timedelta(0)).deleted == 0
    made.now = 1000.0
    made.forget(900.0)
    assert collect(made.storage, timedelta(0)).deleted == 0
    made.records.end(Outcome(id=made.parent.id, state=State.REVOKED))
    made.forget(1001.0)
    assert collect(made.storage, timedelta(0)).deleted == 1


def test_a_share_whose_call_is_forgotten_is_not_begun() -> None:
    made = Family(2)
    record = made.records.record(made.parent.id)
    made.storage.delete_record(record.key, record.revision)
    answer = made.records.claim(made.children[0].id, "worker")
    assert isinstance(answer, Outcome)
    with pytest.raises(TaskNotFoundError):
        made.records.record(made.parent.id)


def test_all_records_are_made_or_none() -> None:
    made = Family(2)
    more = spec(durable=True, parent=made.parent.id)
    with pytest.raises(ConflictError):
        made.records.create_family((made.parent, b"{}"), [(more, b"{}")], ROWS, "client")
    with pytest.raises(TaskNotFoundError):
        made.records.record(more.id)

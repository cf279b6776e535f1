"""What a record needs, as one who knows of some workers that they are gone sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.runtimes import family, lease
from omcore.runtimes.backend import ENGINE
from omcore.runtimes.lease import NOTHING, Need
from omcore.runtimes.task import ErrorData, Outcome, State

from .model import Limits
from .world import START, spec_of

if TYPE_CHECKING:
    from omcore.storage.backend import Body

WORKER = "here:1"
LIMITS = st.builds(
    Limits,
    lease=st.sampled_from([1.0, 10.0]),
    deliveries=st.integers(1, 3),
    timeout=st.none() | st.sampled_from([2.0, 20.0]),
    start=st.none() | st.just(5.0),
    total=st.none() | st.just(15.0),
)


def body_of(limits: Limits, state: State, deaths: int) -> Body:
    """A record in a state that it has come to after so many deaths."""
    body = lease.created(spec_of(0, limits, START), b"{}", "client")
    for _ in range(deaths):
        body = lease.bereft(lease.claimed(body, "here:0", START), "client", START)
    if state is State.PENDING:
        return body
    claimed = lease.claimed(body, WORKER, START)
    if state is State.STARTED:
        return claimed
    if state is State.RETRY:
        return lease.failed(claimed, ErrorData(type="builtins.ValueError", message="oops"), START + 1)
    return lease.ended(claimed, Outcome(id="0", state=state), START)


@given(
    limits=LIMITS,
    state=st.sampled_from(list(State)),
    deaths=st.integers(0, 2),
    waited=st.sampled_from([0.0, 0.5, 1.0, 3.0, 12.0, 25.0]),
    sessions=st.sampled_from([(), ("client",)]),
    dead=st.booleans(),
)
def test_a_worker_that_is_gone_is_one_whose_lease_has_ended_and_changes_nothing_else(
    limits: Limits, state: State, deaths: int, waited: float, sessions: tuple[str, ...], dead: bool
) -> None:
    body, now = body_of(limits, state, deaths), START + waited
    found = lease.diagnose("0", body, now, sessions, lambda worker: dead and worker == WORKER)
    mourned = dead and state is State.STARTED
    as_if = lease.diagnose("0", {**body, "leased": now} if mourned else body, now, sessions)
    assert found.need is as_if.need
    assert (found.outcome and found.outcome.state) == (as_if.outcome and as_if.outcome.state)
    if not mourned:
        assert found == as_if


@pytest.mark.parametrize(
    ("limits", "deaths", "gone", "need", "said"),
    [
        pytest.param(Limits(), 0, False, Need.NOTHING, "", id="alive"),
        pytest.param(Limits(), 0, True, Need.REPLACEMENT, "", id="gone"),
        pytest.param(Limits(), 2, True, Need.END, f"its worker {WORKER} is gone", id="the last of three"),
        pytest.param(Limits(total=0.0), 0, True, Need.END, "which is its limit", id="late anyway"),
    ],
)
def test_what_is_said_of_a_task_that_runs(limits: Limits, deaths: int, gone: bool, need: Need, said: str) -> None:
    found = lease.diagnose("0", body_of(limits, State.STARTED, deaths), START, {"client"}, lambda _: gone)
    assert found.need is need
    error = found.outcome.error if found.outcome else None
    assert bool(error) == bool(said)
    assert said in (error.message if error else "")


def test_a_parent_that_nobody_runs_has_no_worker_that_could_be_gone() -> None:
    parent = family.begun(lease.created(spec_of(0, Limits(), START), b"{}", "client"), ["1"], 7, ENGINE)
    assert lease.diagnose("0", parent, START, (), lambda worker: worker == WORKER) == NOTHING

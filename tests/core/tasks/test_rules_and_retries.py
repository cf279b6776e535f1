"""How a task is run: what a scope, an object's attributes and the configuration say; and what is tried again."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import omcore
from omcore.errors import EnvironmentMismatchError, EnvironmentMismatchWarning, InvalidArgumentError, TaskFailedError
from omcore.runtimes.rules import TaskRules, make_rules
from omcore.runtimes.task import RetryRule, State, TaskSpec

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.scope import Scope

    from .conftest import PutModel


@pytest.fixture(params=["local", "worker"])
def runtime(request: pytest.FixtureRequest, omega: Omega) -> Scope:
    return omega.runtime.mode(local=request.param == "local")


# --- who says how a task is run


def spec_of(om: Omega, handle: Handle) -> TaskSpec:
    envelope = json.loads(om.context.records.envelope(handle.id))
    return TaskSpec.model_validate_json(envelope["spec"])


@pytest.fixture
def configured(tmp_path: Path, odd: PutModel, omega: Omega) -> Omega:
    """A context whose configuration says how tasks are run, with a model whose attributes say so too."""
    path = tmp_path / "omcore.toml"
    path.write_text(
        '[contexts.default]\nstorage = { backend = "memory" }\n'
        'tasks = { timeout = 100, deliveries = 5, memory = "2GiB", heartbeat = 60, total_timeout = 1000 }\n'
    )
    odd("return X")
    om = omcore.setup(config=path)
    om.models.put(
        omega.models.get("odd"), "m", attributes={"task": {"timeout": 50, "deliveries": 4, "start_timeout": 9}}
    )
    return om


def test_a_scope_goes_before_the_attributes_and_these_before_the_configuration(configured: Omega) -> None:
    scope = configured.runtime.mode(local=True).durable().timeout(25).retry(2, delay=0.5, on=KeyError)
    spec = spec_of(configured, scope.model("m").predict([1]))
    assert (spec.timeout, spec.deliveries, spec.start_timeout, spec.lease, spec.memory) == (25, 4, 9, 60, 2 << 30)
    assert spec.retry == RetryRule(times=2, delay=0.5, on=("builtins.KeyError",))
    assert spec.deadline == spec.submitted + 1000
    spec = spec_of(configured, configured.runtime.mode(local=True).durable().model("m").predict([1]))
    assert (spec.timeout, spec.environment, spec.retry.times) == (50, "warn", 0)
    configured.close()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "timeout": st.floats(0.1, 1e6),
            "heartbeat": st.floats(1, 1e6),
            "deliveries": st.integers(1, 1000),
            "environment": st.sampled_from(["warn", "refuse", "elsewhere", "ignore"]),
        },
    ),
    st.fixed_dictionaries({}, optional={"timeout": st.floats(0.1, 1e6), "deliveries": st.integers(1, 1000)}),
)
def test_what_is_said_goes_before_what_is_said_elsewhere(said: dict[str, Any], base: dict[str, Any]) -> None:
    assert make_rules(said, "a").over(make_rules(base, "b")) == TaskRules(**{**base, **said})


@pytest.mark.parametrize(
    "said",
    [{"timeout": -1}, {"retries": 3}, {"heartbeat": 0.5}, {"memory": "much"}, {"environment": "any"}, [], "x"],
    ids=str,
)
def test_attributes_that_say_nonsense_are_refused_before_there_is_a_task(
    omega: Omega, odd: PutModel, said: Any
) -> None:
    odd("return X")
    omega.models.put(omega.models.get("odd"), "m", attributes={"task": said})
    with pytest.raises(InvalidArgumentError, match="the attribute 'task' of models/m"):
        omega.runtime.durable().model("m").predict([1])
    assert [task for task in omega.runtime.tasks() if task.bucket == omega.bucket] == []


# --- what is tried again

FLAKY = """
path = pathlib.Path({path!r})
tries = len(path.read_text()) if path.exists() else 0
path.write_text("x" * (tries + 1))
print("try", tries + 1)
if tries < {failures}:
    raise {error}
return tries + 1
"""


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
def test_an_action_that_fails_is_run_again_as_often_as_was_said(
    omega: Omega, runtime: Scope, odd: PutModel, tmp_path: Path, durable: bool
) -> None:
    odd(FLAKY.format(path=str(tmp_path / "tries"), failures=2, error="KeyError('no')"))
    scope = runtime.retry(2, delay=0.01, on=LookupError)
    handle = (scope.durable() if durable else scope).model("odd").predict([1])
    assert handle.get() == 3
    if durable:
        body = omega.context.records.record(handle.id).body
        assert (body["failures"], body["attempt"], body["deaths"]) == (2, 3, 0)
        assert handle.logs().count("try") == 3


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
@pytest.mark.parametrize(("failures", "error", "tries"), [(9, "KeyError('no')", 3), (9, "OSError('no')", 1)])
def test_the_last_failure_is_the_end_and_other_errors_are_an_end_at_once(
    runtime: Scope, odd: PutModel, tmp_path: Path, durable: bool, failures: int, error: str, tries: int
) -> None:
    odd(FLAKY.format(path=str(tmp_path / "tries"), failures=failures, error=error))
    scope = runtime.retry(2, delay=0.01, on=["builtins.KeyError", ValueError])
    with pytest.raises(TaskFailedError, match="no"):
        (scope.durable() if durable else scope).model("odd").predict([1]).get()
    assert len((tmp_path / "tries").read_text()) == tries


def test_a_light_task_may_take_its_time_for_every_try(omega: Omega, odd: PutModel, tmp_path: Path) -> None:
    odd("return X", "warm")
    omega.runtime.model("warm").predict([1]).get()
    odd("time.sleep(0.9)\n" + FLAKY.format(path=str(tmp_path / "tries"), failures=2, error="KeyError('no')"))
    assert omega.runtime.timeout(2).retry(2, delay=0.1).model("odd").predict([1]).get() == 3


def test_what_failed_is_tried_again_though_nobody_waits_for_it(omega: Omega, odd: PutModel, tmp_path: Path) -> None:
    odd(FLAKY.format(path=str(tmp_path / "tries"), failures=1, error="KeyError('no')"))
    handle = omega.runtime.durable().retry(1, delay=0.01).model("odd").predict([1])
    while not handle.ready():
        time.sleep(0.01)
    assert handle.get() == 2


@given(st.floats(0, 100), st.floats(1, 10), st.floats(0, 1000), st.integers(1, 1000))
def test_pauses_grow_by_the_factor_and_no_longer_than_was_said(
    delay: float, factor: float, longest: float, failures: int
) -> None:
    rule = RetryRule(times=1000, delay=delay, factor=factor, longest=longest)
    pause = rule.pause(failures)
    assert 0 <= pause <= longest
    assert pause <= rule.pause(failures + 1)
    assert rule.pause(1) == min(delay, longest)
    if sys.float_info.min < pause < longest and rule.pause(failures + 1) < longest:
        assert math.isclose(rule.pause(failures + 1), pause * factor, rel_tol=1e-6)


# --- models that were fitted elsewhere


@pytest.fixture
def foreign(omega: Omega, odd: PutModel) -> Omega:
    """A model that was fitted with another scikit-learn."""
    odd("return X")
    store = omega.models
    known = {"environment": {"python": "3.1", "scikit-learn": "0.1", "numpy": "2.0", "pandas": "2.0"}}
    plan = store.plan(store.stage(omega.models.get("odd"), "old", provenance=known, action="fit"))
    omega.context.storage.commit(plan.changes)
    return omega


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
def test_a_model_from_elsewhere_is_used_with_a_warning(foreign: Omega, runtime: Scope, durable: bool) -> None:
    scope = runtime.durable() if durable else runtime
    handle = scope.model("old").predict([1])
    with pytest.warns(EnvironmentMismatchWarning, match=r"scikit-learn 0\.1 at fit"):
        assert handle.get() == [1]
    assert handle.status is State.SUCCESS
    if durable:
        assert "scikit-learn 0.1 at fit" in handle.logs()
        with pytest.warns(EnvironmentMismatchWarning):
            foreign.runtime.task(handle.id).get()


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "light"])
@pytest.mark.parametrize("rule", ["refuse", "elsewhere"])
def test_a_model_from_elsewhere_is_refused_where_that_was_said(
    foreign: Omega, runtime: Scope, durable: bool, rule: str
) -> None:
    scope = runtime.environment(rule).retry(3, delay=0.0)
    handle = (scope.durable() if durable else scope).model("old").predict([1])
    with pytest.raises(TaskFailedError, match=r"fit it again here, run it on a worker with those versions") as refused:
        handle.get()
    assert type(refused.value.__cause__) is EnvironmentMismatchError
    if durable:
        body = foreign.context.records.record(handle.id).body
        assert body["failures"] == 0
        assert body["attempt"] == (3 if rule == "elsewhere" else 1)


@pytest.mark.usefixtures("foreign")
def test_a_model_from_elsewhere_is_used_without_a_word_where_that_was_said(runtime: Scope) -> None:
    assert runtime.environment("ignore").model("old").predict([1]).get() == [1]


# --- memory


def test_a_task_that_takes_more_memory_than_it_may_fails_and_its_worker_goes_on(omega: Omega, odd: PutModel) -> None:
    odd("return len(bytearray(1 << 30)) + os.getpid()", "greedy")
    odd("return os.getpid()", "modest")
    before = omega.runtime.memory("300MiB").model("modest").predict([1]).get()
    with pytest.raises(TaskFailedError, match=r"was given 300\.0MiB of memory") as failed:
        omega.runtime.memory("300MiB").model("greedy").predict([1]).get()
    assert type(failed.value.__cause__) is MemoryError
    assert omega.runtime.model("greedy").predict([1]).get() == (1 << 30) + before


def test_a_process_that_runs_other_things_holds_no_task_to_a_limit_and_says_so(omega: Omega, odd: PutModel) -> None:
    odd("return X")
    with pytest.raises(TaskFailedError, match="its worker runs other things in the same process"):
        omega.runtime.mode(local=True).memory("300MiB").model("odd").predict([1]).get()

"""Fit, predict and score by name, here and in a worker process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LinearRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import omcore
from omcore.errors import (
    ColumnNotFoundError,
    InvalidArgumentError,
    NoWorkerError,
    ObjectNotFoundError,
    TaskCancelledError,
    TaskFailedError,
    TaskLostError,
    TaskNotFoundError,
    TaskTimeoutError,
    UnknownActionError,
    UnsupportedTypeError,
)
from omcore.runtimes.task import State

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.scope import Scope
    from omcore.runtimes.tasklist import TaskInfo

    from .conftest import PutModel


@pytest.fixture
def sales(omega: Omega) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": generator.normal(size=60), "z": generator.normal(size=60)})
    frame["y"] = 3 * frame.x - frame.z + 1
    omega.datasets.put(frame, "sales")
    omega.models.put(LinearRegression(), "forecast")
    return frame


@pytest.fixture(params=["local", "worker"])
def runtime(request: pytest.FixtureRequest, omega: Omega) -> Scope:
    return omega.runtime.mode(local=request.param == "local")


def tasks_of(omega: Omega) -> list[TaskInfo]:
    return [task for task in omega.runtime.tasks() if task.bucket == omega.bucket]


def test_a_fit_by_name_is_a_new_version_that_remembers_what_it_was_fitted_on(
    omega: Omega, sales: pd.DataFrame, runtime: Scope
) -> None:
    omega.datasets.put(sales, "sales")
    handle = runtime.model("forecast").fit("sales[x,z]", "sales[y]@1")
    stored = handle.get()
    assert (stored.name, stored.version, stored.store) == ("forecast", 2, "models")
    known = omega.models.metadata("forecast")
    assert known == stored
    assert known.provenance["inputs"] == ["datasets/sales[x,z]@2", "datasets/sales[y]@1"]
    assert known.provenance["object"] == "models/forecast@1"
    assert known.provenance["task"] == handle.id
    assert omega.models.history("forecast")[-1].action == "fit"
    fitted = omega.models.get("forecast")
    np.testing.assert_allclose(fitted.coef_, [3, -1])
    assert not hasattr(omega.models.get("forecast@1"), "coef_")


@pytest.mark.usefixtures("sales")
def test_predictions_are_those_of_the_estimator_for_every_way_to_give_the_data(omega: Omega, runtime: Scope) -> None:
    runtime.model("forecast").fit("sales[x,z]", "sales[y]").get()
    frame = omega.datasets.get("sales[x,z]")
    expected = omega.models.get("forecast").predict(frame)
    model = runtime.model("forecast")
    lazy = omega.datasets.getl("sales[x,z]")
    for given in ("sales[x,z]", "sales[x,z]@1", frame, lazy):
        np.testing.assert_array_equal(model.predict(given).get(), expected)
    filtered = model.predict(lazy.filter(x__gt=0)).get()
    np.testing.assert_array_equal(filtered, expected[frame.x > 0])


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.usefixtures("sales")
def test_arrays_and_lists_are_taken_as_they_are(omega: Omega, runtime: Scope) -> None:
    omega.models.put(LinearRegression().fit([[0.0, 0.0], [1.0, 2.0]], [1.0, 2.0]), "plain")
    model = runtime.model("plain")
    np.testing.assert_allclose(model.predict([[1.0, 2.0]]).get(), [2.0])
    np.testing.assert_allclose(model.predict(np.array([[1.0, 2.0]])).get(), [2.0])


def test_an_array_too_large_for_a_message_arrives_whole(omega: Omega, runtime: Scope) -> None:
    rows = np.random.default_rng(1).normal(size=(200_000, 3))
    omega.models.put(LinearRegression().fit(rows, rows.sum(axis=1)), "wide")
    np.testing.assert_allclose(runtime.model("wide").predict(rows).get(), rows.sum(axis=1))


@pytest.mark.usefixtures("sales")
def test_a_result_goes_into_a_dataset_with_its_provenance(omega: Omega, runtime: Scope) -> None:
    runtime.model("forecast").fit("sales[x,z]", "sales[y]").get()
    stored = runtime.model("forecast").predict("sales[x,z]", into="forecast/today").get()
    assert (stored.store, stored.name, stored.version) == ("datasets", "forecast/today", 1)
    assert stored.provenance["object"] == "models/forecast@2"
    assert len(omega.datasets.get("forecast/today")) == 60


@pytest.mark.usefixtures("sales")
def test_score_and_every_other_action_answer_as_the_estimator_does(omega: Omega, runtime: Scope) -> None:
    labels = pd.Series(np.random.default_rng(2).integers(0, 2, 60), name="bought")
    omega.datasets.put(labels, "labels")
    omega.models.put(SGDClassifier(loss="log_loss", random_state=0), "sgd")
    model = runtime.model("sgd")
    model.partial_fit("sales[x,z]", "labels", classes=[0, 1]).get()
    model.partial_fit("sales[x,z]", "labels").get()
    assert omega.models.metadata("sgd").version == 3
    fitted, frame = omega.models.get("sgd"), omega.datasets.get("sales[x,z]")
    for action in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(model, action)("sales[x,z]").get(), getattr(fitted, action)(frame))
    assert model.score("sales[x,z]", "labels").get() == fitted.score(frame, labels)
    assert model.call("get_params", deep=False).get() == fitted.get_params(deep=False)


@pytest.mark.usefixtures("sales")
def test_transformers_transform_both_ways(omega: Omega, runtime: Scope) -> None:
    omega.models.put(StandardScaler(), "scaler")
    model = runtime.model("scaler")
    scaled = model.fit_transform("sales[x,z]").get()
    assert omega.models.metadata("scaler").version == 2
    np.testing.assert_allclose(scaled.mean(axis=0), [0, 0], atol=1e-12)
    np.testing.assert_allclose(model.transform("sales[x,z]").get(), scaled)
    np.testing.assert_allclose(model.inverse_transform(scaled).get(), omega.datasets.get("sales[x,z]").to_numpy())
    omega.models.put(MiniBatchKMeans(2, random_state=0, n_init=1), "kmeans")
    assert len(runtime.model("kmeans").call("fit_predict", "sales[x,z]").get()) == 60
    assert omega.models.metadata("kmeans").version == 2


@pytest.mark.usefixtures("sales")
def test_a_new_version_is_used_by_the_next_call(omega: Omega, runtime: Scope) -> None:
    model = runtime.model("forecast")
    model.fit("sales[x,z]", "sales[y]").get()
    before = model.predict("sales[x,z]").get()
    omega.models.put(LinearRegression(fit_intercept=False), "forecast")
    model.fit("sales[x,z]", "sales[y]").get()
    after = model.predict("sales[x,z]").get()
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(runtime.model("forecast@2").predict("sales[x,z]").get(), before)


@pytest.mark.usefixtures("sales")
def test_a_cached_model_is_not_changed_by_a_fit_that_fails(omega: Omega, runtime: Scope) -> None:
    model = runtime.model("forecast")
    model.fit("sales[x,z]", "sales[y]").get()
    before = model.predict("sales[x,z]").get()
    with pytest.raises(TaskFailedError):
        model.fit("sales[x]", [1, 2]).get()
    np.testing.assert_array_equal(model.predict("sales[x,z]").get(), before)
    assert omega.models.metadata("forecast").version == 2


# --- what goes wrong, in one sentence each, and nothing is lost


@pytest.mark.usefixtures("sales")
def test_an_error_of_the_estimator_arrives_with_its_type_and_its_remote_traceback(runtime: Scope) -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(TaskFailedError, match="not fitted") as failed:
        runtime.model("forecast").predict("sales[x]").get()
    assert type(failed.value.__cause__) is NotFittedError
    assert "sklearn" in failed.value.remote_traceback
    with pytest.raises(TaskFailedError) as failed:
        runtime.model("forecast").fit("sales[x]", [1.0, 2.0]).get()
    assert type(failed.value.__cause__) is ValueError


@pytest.mark.usefixtures("sales")
def test_mistakes_are_told_at_once_and_no_task_is_made(omega: Omega, runtime: Scope) -> None:
    model = runtime.model("forecast")
    with pytest.raises(ObjectNotFoundError, match="forecast"):
        runtime.model("forcast").predict("sales")
    with pytest.raises(ObjectNotFoundError, match="sales"):
        model.predict("sale")
    with pytest.raises(ColumnNotFoundError):
        model.predict("sales[w]")
    with pytest.raises(InvalidArgumentError, match="it takes fit"):
        model.fit()
    with pytest.raises(UnsupportedTypeError, match="LinearRegression"):
        model.predict(LinearRegression())
    with pytest.raises(UnknownActionError, match="did you mean 'predict'"):
        model.find_action("predcit")
    with pytest.raises(AttributeError):
        model.predcit("sales")
    with pytest.raises(AttributeError, match=r"om\.runtime\.modle"):
        runtime.modle("forecast")
    assert tasks_of(omega) == []


@pytest.mark.usefixtures("sales")
def test_private_and_missing_methods_are_refused(runtime: Scope) -> None:
    for method in ("__reduce__", "_validate", "nothing"):
        with pytest.raises(TaskFailedError, match="has no method"):
            runtime.model("forecast").call(method).get()


@pytest.mark.parametrize("label", ["tpu", "gpu "])
@pytest.mark.usefixtures("sales")
def test_a_label_that_nobody_offers_is_refused_at_once_and_says_which_are_offered(omega: Omega, label: str) -> None:
    with pytest.raises(NoWorkerError, match="'gpu', 'large'"):
        omega.runtime.require(label).model("forecast").fit("sales[x]", "sales[y]")
    assert tasks_of(omega) == []


@pytest.mark.usefixtures("sales")
def test_a_label_in_the_models_attributes_holds_unless_the_call_names_one(omega: Omega) -> None:
    omega.models.put(LinearRegression(), "bound", attributes={"require": {"label": "tpu"}})
    with pytest.raises(NoWorkerError, match="tpu"):
        omega.runtime.model("bound").fit("sales[x]", "sales[y]")
    omega.runtime.require("gpu").model("bound").fit("sales[x]", "sales[y]").get()
    assert omega.models.metadata("bound").attributes == {"require": {"label": "tpu"}}


def test_a_scope_is_never_changed(omega: Omega) -> None:
    scope = omega.runtime.require("gpu")
    scope.require("large").timeout(3).durable()
    assert scope.options.require == {"gpu"}
    assert omega.runtime.options.require == frozenset()


# --- handles


def test_a_model_that_exits_is_an_error_and_the_worker_lives_on(omega: Omega, odd: PutModel, runtime: Scope) -> None:
    odd("sys.exit(3)")
    with pytest.raises(TaskFailedError, match="SystemExit"):
        runtime.model("odd").predict([1]).get()
    odd("return os.getpid()", "fine")
    assert runtime.model("fine").predict([1]).get() > 0


@pytest.mark.usefixtures("sales")
def test_a_model_that_kills_its_process_loses_its_own_task_alone(omega: Omega, odd: PutModel) -> None:
    odd("os.kill(os.getpid(), signal.SIGKILL)")
    handles = [omega.runtime.model("odd").predict([1])]
    handles.append(omega.runtime.durable().model("odd").predict([1]))
    for handle in handles:
        with pytest.raises(TaskLostError, match="SIGKILL"):
            handle.get()
        assert handle.status is State.LOST
    assert omega.runtime.model("forecast").fit("sales[x]", "sales[y]").get().version == 2


def test_a_task_that_runs_longer_than_it_may_is_ended(omega: Omega, odd: PutModel) -> None:
    odd("time.sleep(600)")
    with pytest.raises(TaskTimeoutError):
        omega.runtime.timeout(0.5).model("odd").predict([1]).get()


def test_waiting_may_end_before_the_task(omega: Omega, odd: PutModel) -> None:
    odd("time.sleep(600)")
    handle = omega.runtime.model("odd").predict([1])
    with pytest.raises(TaskTimeoutError, match="ask again later"):
        handle.get(timeout=0.05)
    handle.cancel()
    with pytest.raises(TaskCancelledError):
        handle.get()
    assert handle.ready()


def test_nothing_of_a_cancelled_task_becomes_visible(omega: Omega, odd: PutModel, tmp_path: Path) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    os.mkfifo(go)
    odd(f"open({str(started)!r}, 'w').close(); open({str(go)!r}).read(); return X")
    handle = omega.runtime.model("odd").predict([1], into="never")
    while not started.exists():
        assert not handle.wait(0.01)
    handle.cancel()
    assert handle.status is State.REVOKED
    with pytest.raises(TaskCancelledError):
        handle.get()
    assert not omega.datasets.exists("never")
    assert [task.state for task in tasks_of(omega)] == [State.REVOKED]


@pytest.mark.usefixtures("sales")
def test_a_durable_task_is_found_again_from_another_process(omega: Omega, config: Path) -> None:
    handle = omega.runtime.model("forecast").fit("sales[x]", "sales[y]")
    handle.get()
    code = (
        "import sys, omcore\n"
        "with omcore.setup(config=sys.argv[1]) as om:\n"
        "    task = om[sys.argv[3]].runtime.task(sys.argv[2])\n"
        "    print(task.status, task.get())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config), handle.id, omega.bucket], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("SUCCESS <models/forecast@2")


@pytest.mark.usefixtures("sales")
def test_light_tasks_leave_no_record_unless_asked_to(omega: Omega, runtime: Scope) -> None:
    model = runtime.model("forecast")
    model.fit("sales[x]", "sales[y]").get()
    light = model.predict("sales[x]")
    light.get()
    with pytest.raises(TaskNotFoundError, match="durable"):
        omega.runtime.task(light.id)
    kept = runtime.durable().model("forecast").predict("sales[x]")
    np.testing.assert_array_equal(omega.runtime.task(kept.id).get(), kept.get())


@pytest.mark.usefixtures("sales")
def test_a_handle_can_be_awaited(omega: Omega, runtime: Scope) -> None:
    async def both() -> list[Any]:
        model = runtime.model("forecast")
        await model.fit("sales[x]", "sales[y]")
        return await asyncio.gather(*(as_coroutine(model.predict("sales[x]")) for _ in range(3)))

    async def as_coroutine(handle: Any) -> Any:
        return await handle

    assert len(asyncio.run(both())) == 3


@pytest.mark.usefixtures("sales")
def test_a_detached_task_ends_after_its_client_has_gone(omega: Omega, config: Path) -> None:
    code = (
        "import sys, omcore\n"
        "with omcore.setup(config=sys.argv[1]) as om:\n"
        "    print(om[sys.argv[2]].runtime.detach().model('forecast').fit('sales[x]', 'sales[y]').id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config), omega.bucket], capture_output=True, text=True, check=True
    )
    handle = omega.runtime.task(done.stdout.strip())
    assert handle.get(timeout=60).version == 2


@pytest.mark.usefixtures("sales")
def test_buckets_of_one_context_run_on_the_same_workers_and_see_only_their_own(omega: Omega) -> None:
    other = omega[f"{omega.bucket}-other"]
    with pytest.raises(ObjectNotFoundError):
        other.runtime.model("forecast").predict("sales[x]")
    omega.models.promote("forecast", other.models)
    omega.datasets.promote("sales", other.datasets)
    other.runtime.model("forecast").fit("sales[x]", "sales[y]").get()
    assert other.models.metadata("forecast").version == 2
    assert omega.models.metadata("forecast").version == 1


@pytest.mark.usefixtures("sales")
def test_a_dataset_of_another_bucket_is_no_argument(omega: Omega) -> None:
    lazy = omega.datasets.getl("sales[x]")
    other = omega[f"{omega.bucket}-other"]
    other.models.put(make_pipeline(StandardScaler(), LinearRegression()), "m")
    with pytest.raises(InvalidArgumentError, match="promote it there first"):
        other.runtime.model("m").predict(lazy)


def test_the_module_itself_is_the_default_context(config: Path) -> None:
    code = (
        "import omcore as om\n"
        "import omcore.runtimes.backend\n"
        "om.datasets.put([1], 'a')\n"
        "om['other'].datasets.put([2], 'a')\n"
        "print(om.datasets.get('a'), om['other'].datasets.get('a'), om.runtime.labels())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=config.parent)
    assert done.stdout.startswith("[1] [2] frozenset(")
    assert omcore.__version__

"""What makes no sense is refused before there is a task, and a task that cannot start does not wait for ever."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

import omcore
from omcore.errors import (
    InvalidArgumentError,
    InvalidNameError,
    SignatureError,
    TaskError,
    TaskFailedError,
    TaskNotFoundError,
)
from omcore.proxies.values import LARGEST_INLINE
from omcore.runtimes.engine import RuntimeChoice
from omcore.runtimes.local import LocalRuntime
from omcore.runtimes.task import LARGEST_ENVELOPE, State
from omcore.signing import Key, KeyRing

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.backend import Delivery
    from omcore.runtimes.tasklist import TaskInfo

ROWS = pd.DataFrame({"x": [1.0, 2.0, 3.0], "a,b": [3.0, 1.0, 2.0], "y": [2.0, 4.0, 6.0]})


@pytest.fixture
def line(omega: Omega) -> Omega:
    omega.datasets.put(ROWS, "rows")
    omega.models.put(LinearRegression().fit(ROWS[["x"]], ROWS["y"]), "line")
    return omega


def tasks_of(omega: Omega) -> list[TaskInfo]:
    return [task for task in omega.runtime.tasks() if task.bucket == omega.bucket]


# --- refused before there is a task


@pytest.mark.parametrize("into", ["../x", "", 5, "a@3", "a\0b", "x" * 500, ["a"]], ids=lambda into: repr(into)[:20])
def test_a_result_has_an_impossible_name_before_anything_runs(line: Omega, into: Any) -> None:
    with pytest.raises(InvalidNameError):
        line.runtime.mode(local=True).model("line").predict("rows[x]", into=into)
    assert tasks_of(line) == []


@pytest.mark.parametrize("seconds", ["3", None, True, 0, -1, float("nan"), float("inf"), 10**400, 1e300], ids=str)
def test_a_timeout_is_a_number_of_seconds(omega: Omega, seconds: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="a timeout is a positive number of seconds"):
        omega.runtime.timeout(seconds)


@pytest.mark.parametrize(
    "task", ["", "../x", "a b", "x" * 10_000, "a\0", "\udc80", 5, None], ids=lambda it: ascii(it)[:20]
)
def test_no_text_but_the_id_of_a_task_finds_one(omega: Omega, task: Any) -> None:
    with pytest.raises(TaskNotFoundError, match="there is no task") as unknown:
        omega.runtime.task(task)
    assert len(str(unknown.value)) < 250


def test_a_long_text_travels_as_a_blob_and_comes_back_whole(line: Omega) -> None:
    text = "ü" * LARGEST_INLINE * 100
    encoded = line.context.values.encode(text)
    assert len(encoded.model_dump_json()) < LARGEST_INLINE
    assert line.context.values.decode(encoded) == text


def test_half_a_character_is_refused_in_a_sentence(line: Omega) -> None:
    with pytest.raises(omcore.errors.OmError):
        line.runtime.model("line").call("get_params", deep="\udc80")


def test_more_than_a_worker_reads_is_refused_before_it_is_sent(line: Omega) -> None:
    arguments = {f"a{number}": "x" * LARGEST_INLINE for number in range(LARGEST_ENVELOPE // LARGEST_INLINE)}
    with pytest.raises(InvalidArgumentError, match="store what is large as datasets"):
        line.runtime.model("line").predict("rows[x]", **arguments)


# --- a task that cannot start


class Broken(LocalRuntime):
    """An engine that is out of reach."""

    def submit(self, delivery: Delivery) -> Any:
        message = "the broker is out of reach"
        raise TaskError(message, delivery.id)


def test_what_the_engine_did_not_take_is_lost_and_does_not_wait_for_ever(config: Path, line: Omega) -> None:
    with omcore.setup(config=config) as other:
        other.runtime = RuntimeChoice(Broken, {})
        with pytest.raises(TaskError, match="out of reach"):
            other[line.bucket].runtime.model("line").fit("rows[x]", "rows[y]")
    assert [task.state for task in tasks_of(line)] == [State.LOST]


def test_what_every_worker_refuses_fails_for_all_who_ask(config: Path, line: Omega) -> None:
    with omcore.setup(config=config) as other:
        other.runtime = RuntimeChoice(LocalRuntime, {"workers": 1}, KeyRing(Key.of(b"a key that nobody lists")))
        handle = other[line.bucket].runtime.model("line").fit("rows[x]", "rows[y]")
        with pytest.raises(TaskFailedError, match="give the client the same signing_key") as refused:
            handle.get()
        assert type(refused.value.__cause__) is SignatureError
    assert line.runtime.task(handle.id).status is State.FAILURE
    assert line.models.metadata("line").version == 1


def test_a_detached_task_whose_process_cannot_start_is_lost(line: Omega, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(TaskError, match="cannot get a process of its own"):
        line.runtime.detach().model("line").fit("rows[x]", "rows[y]")
    assert [task.state for task in tasks_of(line)] == [State.LOST]


def test_a_detached_task_has_the_modules_of_its_client(line: Omega, modules: Path) -> None:
    (modules / "twice.py").write_text(
        "from sklearn.base import BaseEstimator\n\n\nclass Twice(BaseEstimator):\n"
        "    def predict(self, X):\n        return [2 * x for x in X]\n"
    )
    importlib.invalidate_caches()
    line.models.put(importlib.import_module("twice").Twice(), "twice")
    handle = line.runtime.detach().model("twice").predict([1, 2])
    assert handle.get(timeout=120) == [2, 4]
    log = line.context.place.home / "tasks" / f"{handle.id}.log"
    assert log.stat().st_mode & 0o077 == 0


# --- what a version remembers


def test_provenance_can_be_read_back_and_tells_which_rows(line: Omega) -> None:
    from omcore.objects.filterjson import filter_from_json
    from omcore.objects.references import parse_reference

    rows = line.datasets.getl('rows[x,"a,b"]').filter(x__gt=1)
    known = line.runtime.mode(local=True).model("line").fit(rows, ROWS["y"][1:]).get().provenance
    assert known["inputs"] == ['datasets/rows[x,"a,b"]@1']
    assert parse_reference(known["inputs"][0].removeprefix("datasets/")).columns == ("x", "a,b")
    assert len(line.datasets.get("rows", filter=filter_from_json(known["filters"]["X"]))) == 2


# --- an object that is kept loaded


def test_a_call_that_changes_the_model_changes_no_prediction_after_it(line: Omega) -> None:
    line.models.put(StandardScaler().fit(ROWS[["x"]]), "scaler")
    model = line.runtime.mode(local=True).model("scaler")
    before = model.transform("rows[x]").get()
    with pytest.raises(TaskFailedError):  # it returns the model, which cannot travel
        model.call("set_output", transform="pandas").get()
    after = model.transform("rows[x]").get()
    assert type(after) is type(before)
    np.testing.assert_array_equal(after, before)


def test_what_one_context_may_load_is_not_given_to_another(config: Path, line: Omega) -> None:
    line.runtime.mode(local=True).model("line").predict("rows[x]").get()
    with omcore.setup(config=config) as other:
        assert other.context.loaded is not line.context.loaded
        assert other.context.fingerprint == line.context.fingerprint


def test_many_threads_predict_here_at_once(line: Omega) -> None:
    for number in range(6):
        line.models.put(LinearRegression().fit(ROWS[["x"]], ROWS["y"] * number), f"line{number}")
    wrong: list[Any] = []

    def predict(number: int) -> None:
        for step in range(5):
            found = line.runtime.mode(local=True).model(f"line{(number + step) % 6}").predict("rows[x]").get()
            if not np.allclose(found, ROWS["y"] * ((number + step) % 6)):
                wrong.append(found)

    threads = [threading.Thread(target=predict, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- waiting for it


def test_giving_up_an_awaited_handle_keeps_no_loop_from_ending(line: Omega, modules: Path) -> None:
    (modules / "sleeper.py").write_text(
        "import time\nfrom sklearn.base import BaseEstimator\n\n\nclass Sleeper(BaseEstimator):\n"
        "    def predict(self, X):\n        time.sleep(600)\n"
    )
    importlib.invalidate_caches()
    line.models.put(importlib.import_module("sleeper").Sleeper(), "sleeper")
    handle = line.runtime.model("sleeper").predict([1])

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait_for(handle), 0.05)

    async def wait_for(one: Any) -> Any:
        return await one

    asyncio.run(impatient())
    assert not handle.ready()
    handle.cancel()


# --- closed and opened again


def test_a_closed_context_opens_again_with_all_its_buckets(tmp_path: Path) -> None:
    (tmp_path / "omcore.toml").write_text("")
    with omcore.setup(config=tmp_path / "omcore.toml") as om:
        other = om["other"]
        for bucket in (om, other):
            bucket.datasets.put(ROWS, "rows")
            bucket.models.put(LinearRegression(), "line")
        om.close()
        om.close()
        for bucket in (other, om):
            handle = bucket.runtime.mode(local=True).model("line").fit("rows[x]", "rows[y]")
            assert handle.get().version == 2
        om.close()
        assert handle.id in repr(handle)


def test_threads_that_come_first_share_one_storage(tmp_path: Path) -> None:
    (tmp_path / "omcore.toml").write_text("")
    with omcore.setup(config=tmp_path / "omcore.toml") as om:
        start = threading.Barrier(8)
        found: list[Any] = []

        def look() -> None:
            start.wait()
            found.append(om.context.storage)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(storage) for storage in found}) == 1

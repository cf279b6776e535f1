"""Workers that share a call: one that dies or fails costs its share and no more; the client holds none of the data."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from omcore.errors import TaskCancelledError, TaskFailedError
from omcore.runtimes.task import State
from tests.core.partitioned.conftest import put_parts

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

ROWS = 40


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def shared(omega: Omega, model: Any, scope: Any = None, **arguments: Any) -> Handle:
    """Predict for rows 0 to 39, in 8 parts, with two workers."""
    omega.models.put(model, "m")
    put_parts(omega, pd.DataFrame({"x": range(ROWS)}), "big", 5)
    handle: Handle = (scope or omega.runtime).model("m").predict("big", into="out", parallel=True, **arguments)
    return handle


def runs(notes: Path) -> list[tuple[int, int]]:
    """The first and the last row of each call of the model, in the order of rows."""
    lines = [tuple(map(int, line.split())) for line in notes.read_text().splitlines()]
    return sorted((first, last) for _, first, last in lines)


def shares(omega: Omega, handle: Handle) -> list[State]:
    return [task.state for task in omega.runtime.tasks() if task.parent == handle.id]


def test_each_part_is_run_once_and_one_version_appears(omega: Omega, shared_models: Any, notes: Path) -> None:
    handle = shared(omega, shared_models.Noted(str(notes)))
    stored = handle.get(120)
    assert (stored.name, stored.version, stored.rows) == ("out", 1, ROWS)
    np.testing.assert_array_equal(omega.datasets.get("out"), np.arange(ROWS) * 2.0)
    assert runs(notes) == [(first, first + 4) for first in range(0, ROWS, 5)]
    assert len({line.split()[0] for line in notes.read_text().splitlines()}) == 2
    assert shares(omega, handle) == [State.SUCCESS] * 8
    assert handle.progress is not None
    assert (handle.progress.done, handle.progress.total, handle.progress.unit) == (ROWS, ROWS, "rows")
    assert sorted(handle.logs().splitlines()) == sorted(f"rows from {first}" for first in range(0, ROWS, 5))


def test_a_worker_that_is_killed_in_the_middle_of_its_part_costs_that_part_alone(
    omega: Omega, shared_models: Any, notes: Path
) -> None:
    handle = shared(omega, shared_models.Dying(str(notes), bad=17))
    handle.get(120)
    assert sorted(runs(notes)) == sorted([*((first, first + 4) for first in range(0, ROWS, 5)), (15, 19)])
    np.testing.assert_array_equal(omega.datasets.get("out"), np.arange(ROWS) * 2.0)
    assert len(omega.datasets.versions("out")) == 1


def test_only_the_part_that_failed_is_run_again(omega: Omega, shared_models: Any, notes: Path) -> None:
    scope = omega.runtime.retry(2, delay=0.01)
    shared(omega, shared_models.Raising(str(notes), bad=17, once=True), scope).get(120)
    assert sorted(runs(notes)) == sorted([*((first, first + 4) for first in range(0, ROWS, 5)), (15, 19)])
    assert len(omega.datasets.versions("out")) == 1


def test_a_part_that_fails_for_good_ends_the_call_with_its_error(omega: Omega, shared_models: Any, notes: Path) -> None:
    handle = shared(omega, shared_models.Raising(str(notes), bad=17))
    with pytest.raises(TaskFailedError, match="row 17 is bad") as caught:
        handle.get(120)
    assert isinstance(caught.value.__cause__, ValueError)
    assert handle.status is State.FAILURE
    assert set(shares(omega, handle)) <= {State.SUCCESS, State.FAILURE, State.REVOKED}
    assert shares(omega, handle).count(State.FAILURE) == 1
    assert not omega.datasets.exists("out")


def test_cancelling_the_call_cancels_every_share_of_it(omega: Omega, shared_models: Any, notes: Path) -> None:
    handle = shared(omega, shared_models.Blocking(str(notes)))
    handle.cancel()
    with pytest.raises(TaskCancelledError):
        handle.get(120)
    assert set(shares(omega, handle)) == {State.REVOKED}
    assert not omega.datasets.exists("out")
    handle = shared(omega, shared_models.Noted(str(notes)))  # the workers are free again
    assert handle.get(120).version == 1


def test_any_process_may_ask_for_the_call(omega: Omega, shared_models: Any, notes: Path) -> None:
    handle = shared(omega, shared_models.Noted(str(notes)))
    again = omega.runtime.task(handle.id)
    assert again.get(120).version == 1
    assert "has ended with SUCCESS" in again.explain()


def test_without_a_name_the_value_comes_back(omega: Omega, shared_models: Any, notes: Path) -> None:
    shared(omega, shared_models.Noted(str(notes))).get(120)
    found = omega.runtime.model("m").predict("big", parallel=True).get(120)
    np.testing.assert_array_equal(found, np.arange(ROWS) * 2.0)


CLIENT = """
import resource, sys
import omcore

storage = {"backend": "embedded", "path": sys.argv[1]}
with omcore.setup(storage=storage, runtime={"backend": "local", "workers": 2}) as omega:
    omega.models.list()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stored = omega.runtime.model("m").predict("big", into="out", parallel=True).get(240)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(stored.rows, stored.size, after - before)
"""


@pytest.mark.slow
def test_the_client_holds_none_of_the_data(tmp_path: Path, shared_models: Any, modules: Path, scale: int) -> None:
    from sklearn.linear_model import LinearRegression

    import omcore

    path = str(tmp_path / "store")
    numbers = np.arange(2_000_000.0).reshape(-1, 10)
    part = pd.DataFrame(numbers, columns=[f"x{number}" for number in range(10)])
    with omcore.setup(storage={"backend": "embedded", "path": path, "durability": "process"}) as omega:
        omega.models.put(LinearRegression().fit(part[:100], part.x0[:100]), "m")
        for _ in range(10 * scale):
            omega.datasets.put(part, "big", append=True)
        size = 80 * (omega.datasets.metadata("big").rows or 0)
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    ran = subprocess.run([sys.executable, script, path], capture_output=True, text=True, check=True)
    rows, stored, kilobytes = map(int, ran.stdout.split())
    assert (rows, stored) == (2_000_000 * scale, 16_000_000 * scale)
    assert size == 160_000_000 * scale
    assert kilobytes < 60_000

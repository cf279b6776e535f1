"""A stored notebook is executed where the task runs, and what came of it is kept beside it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import (
    InvalidArgumentError,
    InvalidNameError,
    ObjectNotFoundError,
    PluginError,
    RemoteError,
    TaskFailedError,
)
from tests.core.programs.made import notebook

if TYPE_CHECKING:
    from omcore.omega import Omega
    from omcore.runtimes.scope import Scope

REPORT = """
import os, sys
import omcore
assert omcore.datasets is om.datasets, "import omcore is another context"
assert not os.listdir(), "the working folder is not empty"
om.datasets.put([n, om.bucket, om.context.settings.name, omcore.setup().context.fingerprint], "found")
print("n is", n)
n * 2
"""


@pytest.fixture
def local(omega: Omega) -> Scope:
    return omega.runtime.mode(local=True)


def texts(executed: Any) -> list[str]:
    """What the cells of an executed notebook show."""
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    return [
        one.text if one.output_type == "stream" else one.data["text/plain"] for one in outputs if "evalue" not in one
    ]


def test_a_notebook_runs_with_its_parameters_in_the_context_and_bucket_of_the_task(omega: Omega, put_job: Any) -> None:
    put_job("eu/report", REPORT, parameters="n = 1")
    first = omega.runtime.job("eu/report").run(n=21).get()
    assert (first.store, first.name, first.version) == ("jobs", "results/eu/report", 1)
    assert first.provenance["object"] == "jobs/eu/report@1"
    executed = omega.jobs.get("results/eu/report")
    assert [cell.source for cell in executed.cells][:2] == ["n = 1", "# Parameters\nn = 21"]
    assert texts(executed) == ["n is 21\n", "42"]
    assert omega.datasets.get("found") == [21, omega.bucket, "default", omega.context.fingerprint]
    assert omega.jobs.get("eu/report").cells[1].get("outputs") == []
    assert omega.jobs.metadata("eu/report").version == 1


@pytest.mark.slow
def test_a_result_has_the_name_that_was_asked_for_and_each_run_is_a_version(
    local: Scope, omega: Omega, put_job: Any
) -> None:
    put_job("count", "n")
    assert [local.job("count").run(n=n, into="counted").get().version for n in (1, 2)] == [1, 2]
    assert [texts(omega.jobs.get("counted", n)) for n in (1, 2)] == [["1"], ["2"]]
    assert omega.jobs.list() == ["count", "counted"]


def test_a_failing_cell_is_the_original_error_and_what_was_executed_is_kept(local: Scope, omega: Omega) -> None:
    failing = notebook("print('first')", "def f(x):\n    return 1 / x  # here", "f(0)", "print('last')")
    failing.cells[3].outputs = notebook_output("from an earlier run")
    omega.jobs.put(failing, "bad")
    with pytest.raises(TaskFailedError, match="division by zero") as failed:
        local.job("bad").run().get()
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    assert "return 1 / x  # here" in failed.value.remote_traceback
    notes = failed.value.__notes__
    assert notes[0] == "it was raised in cell 3 of 4, which begins 'f(0)'"
    assert "jobs/results/bad/failed@1" in notes[1]
    kept = omega.jobs.get("results/bad/failed")
    assert texts(kept) == ["first\n"]
    assert kept.cells[2].outputs[0].ename == "ZeroDivisionError"
    assert not omega.jobs.exists("results/bad")


def notebook_output(text: str) -> list[Any]:
    from nbformat.v4 import new_output

    return [new_output("stream", name="stdout", text=text)]


def test_an_error_of_the_notebooks_own_type_keeps_its_name_its_text_and_its_notes(local: Scope, put_job: Any) -> None:
    put_job("own", "class Odd(ValueError): ...", "error = Odd('hm')\nerror.add_note('noted')\nraise error")
    with pytest.raises(TaskFailedError, match=r"__main__\.Odd: hm") as failed:
        local.job("own").run().get()
    assert failed.value.type_name == "__main__.Odd"
    assert isinstance(failed.value.__cause__, RemoteError)
    assert failed.value.__notes__[0] == "noted"


@pytest.mark.slow
def test_an_error_of_ours_is_ours_again_and_a_cell_that_may_fail_ends_nothing(local: Scope, omega: Omega) -> None:
    made = notebook("1 / 0", "om.datasets.get('nothing')")
    made.cells[0].metadata["tags"] = ["raises-exception"]
    omega.jobs.put(made, "ours")
    with pytest.raises(TaskFailedError, match="there is no object 'nothing'") as failed:
        local.job("ours").run().get()
    assert isinstance(failed.value.__cause__, ObjectNotFoundError)


@pytest.mark.slow
def test_a_notebook_runs_also_where_a_loop_runs_already(local: Scope, omega: Omega, put_job: Any) -> None:
    put_job("inner", "await __import__('asyncio').sleep(0)\n'done'")

    async def outer() -> Any:
        return local.job("inner").run().get()

    asyncio.run(outer())
    assert texts(omega.jobs.get("results/inner")) == ["'done'"]


# --- refused before a kernel starts


def test_what_executes_notebooks_may_be_missing_and_the_error_says_what_to_install(
    local: Scope, put_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_job("report", "1")
    monkeypatch.setitem(sys.modules, "nbclient", None)
    with pytest.raises(TaskFailedError, match=r"needs nbclient, .* pip install omcore\[jobs\]") as failed:
        local.job("report").run().get()
    assert isinstance(failed.value.__cause__, PluginError)


def test_a_notebook_in_another_language_is_refused(local: Scope, omega: Omega) -> None:
    made = notebook("1 + 1")
    made.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}
    omega.jobs.put(made, "r")
    with pytest.raises(TaskFailedError, match="is written in 'R' but only Python is executed"):
        local.job("r").run().get()


@pytest.mark.slow
def test_a_kernel_of_any_name_is_the_python_of_the_worker(local: Scope, omega: Omega) -> None:
    made = notebook("import sys\nsys.executable")
    made.metadata["kernelspec"] = {"name": "nobody-has-this", "display_name": "x", "language": "python"}
    omega.jobs.put(made, "named")
    local.job("named").run().get()
    assert texts(omega.jobs.get("results/named")) == [repr(sys.executable)]


@pytest.mark.parametrize("into", ["report", "results/../x"])
def test_a_result_never_takes_the_place_of_its_job_or_an_impossible_name(local: Scope, put_job: Any, into: str) -> None:
    put_job("report", "1")
    with pytest.raises((TaskFailedError, InvalidNameError), match=r"cannot (replace|be)"):
        local.job("report").run(into=into).get()


def test_a_result_whose_name_would_be_too_long_is_refused_before_the_work(local: Scope, put_job: Any) -> None:
    put_job("x" * 195, "om.datasets.put(1, 'ran')")
    with pytest.raises(TaskFailedError, match="may have at most 200"):
        local.job("x" * 195).run().get()


def test_a_frame_is_no_parameter_and_nothing_is_run_by_position(local: Scope, put_job: Any) -> None:
    put_job("report", "1")
    with pytest.raises(TaskFailedError, match="the name of a dataset"):
        local.job("report").run(frame=__import__("pandas").DataFrame({"x": [1]})).get()
    with pytest.raises(InvalidArgumentError, match="too many positional"):
        local.job("report").run(1)

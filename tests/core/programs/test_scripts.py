"""A stored script runs as it was stored, each call for itself, and nothing of it stays."""

from __future__ import annotations

import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from omcore.errors import InvalidArgumentError, ObjectNotFoundError, TaskFailedError
from omcore.proxies.programs.folders import PREFIX
from omcore.proxies.programs.positional import MOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.omega import Omega
    from omcore.runtimes.scope import Scope


@pytest.fixture(params=["local", "worker"])
def runtime(request: pytest.FixtureRequest, omega: Omega) -> Scope:
    return omega.runtime.mode(local=request.param == "local")


@pytest.fixture
def local(omega: Omega) -> Scope:
    return omega.runtime.mode(local=True)


def test_a_script_gets_the_context_and_all_its_arguments(runtime: Scope, omega: Omega, put_script: Any) -> None:
    omega.datasets.put({"rows": 3}, "sales")
    put_script("etl", "def run(om, *args, **params): return [om.bucket, om.datasets.get('sales'), list(args), params]")
    result = runtime.script("etl").run("a", 2, [None], n=5, table={"x": 1}).get()
    assert result == [omega.bucket, {"rows": 3}, ["a", 2, [None]], {"n": 5, "table": {"x": 1}}]


def test_a_frame_is_an_argument_and_a_result(runtime: Scope, put_script: Any) -> None:
    put_script("double", "def run(om, frame): return frame * 2")
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    pd.testing.assert_frame_equal(runtime.script("double").run(frame).get(), frame * 2)


def test_a_result_is_stored_where_it_was_asked_to_be(runtime: Scope, omega: Omega, put_script: Any) -> None:
    put_script("make", "def run(om, n): return {'n': n}")
    stored = runtime.script("make").run(3, into="made").get()
    assert (stored.store, stored.name, stored.version) == ("datasets", "made", 1)
    assert omega.datasets.get("made") == {"n": 3}
    assert stored.provenance["object"] == "scripts/make@1"


def test_what_a_script_stores_itself_goes_into_the_bucket_of_the_task(
    runtime: Scope, omega: Omega, put_script: Any
) -> None:
    put_script("store", "def run(om): om.datasets.put([1, 2], 'kept')")
    assert runtime.script("store").run().get() is None
    assert omega.datasets.get("kept") == [1, 2]


def test_a_package_imports_its_own_modules_and_reads_its_own_files(
    runtime: Scope, omega: Omega, tmp_path: Path
) -> None:
    folder = tmp_path / "pipeline"
    (folder / "steps").mkdir(parents=True)
    (folder / "__init__.py").write_text("from .steps.load import load\ndef run(om): return load()\n")
    (folder / "steps" / "__init__.py").write_text("")
    (folder / "steps" / "load.py").write_text(
        "from pathlib import Path\nfrom .. import steps\n"
        "def load():\n    from . import late\n"
        "    return (Path(steps.__file__).parent.parent / 'words.txt').read_text() + late.WORD\n"
    )
    (folder / "steps" / "late.py").write_text("WORD = '!'\n")
    (folder / "words.txt").write_text("hello")
    omega.scripts.put(folder, "pipeline")
    assert runtime.script("pipeline").run().get() == "hello!"


def test_the_next_call_runs_the_new_version_and_an_old_one_can_still_be_asked_for(
    runtime: Scope, put_script: Any
) -> None:
    for number in (1, 2):
        put_script("steps", "from .helper import N\ndef run(om): return N", helper=f"N = {number}")
        assert runtime.script("steps").run().get() == number
    assert runtime.script("steps@1").run().get() == 1


def test_two_versions_and_many_calls_run_side_by_side(local: Scope, put_script: Any) -> None:
    source = "from .helper import N\nSEEN = []\ndef run(om, gate):\n    SEEN.append(gate)\n    return [N, len(SEEN)]"
    for number in (1, 2):
        put_script("steps", source, helper=f"import time\ntime.sleep(0.01)\nN = {number}")
    with ThreadPoolExecutor(8) as threads:
        handles = list(threads.map(lambda n: local.script(f"steps@{n}").run("x"), [1, 2] * 8))
    assert [handle.get() for handle in handles] == [[1, 1], [2, 1]] * 8


def test_nothing_of_a_call_stays(local: Scope, put_script: Any) -> None:
    put_script("tidy", "from . import helper\ndef run(om): return [__name__, __file__, helper.__name__]", helper="")
    modules, importers = set(sys.modules), set(sys.path_importer_cache)
    name, file, helper = local.script("tidy").run().get()
    assert not {name, helper} & set(sys.modules)
    assert {known for known in set(sys.modules) - modules if "tidy" in known} == set()
    assert {place for place in set(sys.path_importer_cache) - importers if PREFIX in place} == set()
    assert not Path(file).exists()
    assert str(Path(tempfile.gettempdir()).resolve()) in file


def test_the_folder_of_a_script_is_for_its_user_alone(local: Scope, put_script: Any) -> None:
    put_script("look", "import os\ndef run(om): return os.stat(os.path.dirname(__file__)).st_mode & 0o777")
    assert local.script("look").run().get() == 0o700


def test_an_error_is_the_original_one_with_the_lines_of_the_script(runtime: Scope, put_script: Any) -> None:
    put_script(
        "bad", "from .deep import fail\ndef run(om, x): return fail(x)", deep="def fail(x):\n    return 1 / x  # here\n"
    )
    with pytest.raises(TaskFailedError, match="division by zero") as failed:
        runtime.script("bad").run(0).get()
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    assert "return 1 / x  # here" in failed.value.remote_traceback
    assert "deep.py" in failed.value.remote_traceback


def test_an_error_at_import_is_told_and_leaves_nothing(local: Scope, put_script: Any) -> None:
    put_script("broken", "import math\nmath.no_such_thing()")
    before = set(sys.modules)
    with pytest.raises(TaskFailedError, match="no_such_thing") as failed:
        local.script("broken").run().get()
    assert "math.no_such_thing()" in failed.value.remote_traceback
    assert {name for name in set(sys.modules) - before if "broken" in name} == set()


def test_a_package_that_imports_itself_by_name_is_told_how_to(local: Scope, put_script: Any) -> None:
    put_script("lonely", "from lonely.helper import N\ndef run(om): return N", helper="N = 1")
    with pytest.raises(TaskFailedError) as failed:
        local.script("lonely").run().get()
    assert any("from . import" in note for note in failed.value.__notes__)


@pytest.mark.parametrize(
    ("source", "files", "told"),
    [
        ("x = 1", {}, r"defines no function run\(om, ...\)"),
        ("run = 3", {}, r"defines no function run\(om, ...\)"),
        (
            "def run(om, path, *, n=1): ...",
            {},
            r"missing a required argument: 'path'; it defines run\(om, path, \*, n=1\)",
        ),
        ("", {"other": "def run(om): ..."}, r"has no __init__.py that defines run\(om, ...\), it has 'other.py'"),
    ],
    ids=["no function", "no callable", "other arguments", "no package"],
)
def test_what_cannot_be_run_is_refused_with_the_reason(
    local: Scope, put_script: Callable[..., None], source: str, files: dict[str, str], told: str
) -> None:
    put_script("odd", source, **files)
    with pytest.raises(TaskFailedError, match=told) as failed:
        local.script("odd").run().get()
    assert isinstance(failed.value.__cause__, InvalidArgumentError)


def test_a_script_that_is_not_there_or_too_many_arguments_make_no_task(local: Scope, put_script: Any) -> None:
    with pytest.raises(ObjectNotFoundError, match="there is no object 'nope' in scripts"):
        local.script("nope").run()
    put_script("all", "def run(om, *args): return len(args)")
    assert local.script("all").run(*range(MOST)).get() == MOST
    with pytest.raises(InvalidArgumentError, match=f"takes at most {MOST}; give a list"):
        local.script("all").run(*range(MOST + 1))


def test_a_script_runs_in_any_thread(local: Scope, put_script: Any) -> None:
    put_script("where", "import threading\ndef run(om): return threading.current_thread().name")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(local.script("where").run().get()), name="elsewhere")
    thread.start()
    thread.join()
    assert found == ["elsewhere"]

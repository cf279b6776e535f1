"""`om datasets`, `om models`, `om jobs`, `om scripts` and `om runtime`: what a person types, and what comes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from omcore.cli import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

CONFIGURATION = """
default_context = "dev"
[contexts.dev]
runtime = { backend = "local", workers = 1 }
[contexts.prod]
[contexts.prod.promotion]
models = ["trained"]
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "omcore.toml").write_text(CONFIGURATION)
    (tmp_path / "sales.csv").write_text("x,y\n1,2\n2,4\n3,6\n")
    (tmp_path / "factories.py").write_text(
        "from sklearn.linear_model import LinearRegression\n\n"
        "def line():\n    return LinearRegression()\n\ndef broken():\n    raise ValueError('no such thing')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "factories", raising=False)
    return tmp_path


def om(*args: str, code: int = 0, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(cli, args, input=stdin)
    assert result.exit_code == code, f"om {' '.join(args)}: {result.output}\n{result.exception!r}"
    return result


def om_json(*args: str) -> Any:
    return json.loads(om(*args, "--json").stdout)


def mistake(*args: str) -> str:
    """The one sentence of a call that must be a mistake."""
    result = om(*args, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("om: ")
    assert result.stderr.count("\n") == 1
    return str(result.stderr)


# --- files in and out


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_goes_in_and_out_by_its_suffix(suffix: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    frame.to_csv("in.csv", index=False) if suffix == ".csv" else frame.to_parquet("in.parquet")
    om("datasets", "put", f"in{suffix}", "t")
    om("datasets", "get", "t", f"out{suffix}")
    readers: dict[str, Callable[[str], pd.DataFrame]] = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    read = readers[suffix]
    pd.testing.assert_frame_equal(read(f"out{suffix}"), read(f"in{suffix}"))


def test_arrays_json_and_plain_files_go_in_and_out() -> None:
    np.save("in.npy", np.arange(6).reshape(2, 3))
    om("datasets", "put", "in.npy", "array")
    om("datasets", "get", "array", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), np.arange(6).reshape(2, 3))
    Path("in.json").write_text('{"a": [1, null, "\\u00fc"]}')
    om("datasets", "put", "in.json", "value")
    om("datasets", "get", "value", "out.json")
    assert json.loads(Path("out.json").read_text()) == {"a": [1, None, "ü"]}
    Path("picture.png").write_bytes(bytes(range(256)))
    om("datasets", "put", "picture.png", "picture")
    om("datasets", "get", "picture", "copy.png")
    assert Path("copy.png").read_bytes() == bytes(range(256))


def test_json_comes_from_the_standard_input() -> None:
    om("datasets", "put", "-", "value", stdin="[1, 2]")
    assert om_json("datasets", "get", "value") == [1, 2]


def test_a_notebook_and_a_script_are_kept() -> None:
    import nbformat

    Path("report.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])))
    om("jobs", "put", "report.ipynb", "report")
    om("jobs", "get", "report", "copy.ipynb")
    assert nbformat.read("copy.ipynb", as_version=4).cells[0].source == "1"
    om("scripts", "put", "factories.py", "factories")
    om("scripts", "get", "factories", "copy")
    assert Path("copy/factories.py").read_text() == Path("factories.py").read_text()


def test_projection_filter_and_version_are_asked_for_on_the_line() -> None:
    om("datasets", "put", "sales.csv", "sales")
    om("datasets", "put", "sales.csv", "sales", "--append")
    assert om_json("datasets", "get", "sales[y]", "-f", "x__gte=2", "-f", "x__lt=3") == [{"y": 4}, {"y": 4}]
    assert len(om_json("datasets", "get", "sales@1")) == 3
    assert len(om_json("datasets", "get", "sales", "--version", "2")) == 6


# --- an object's life


def test_the_life_of_an_object_can_be_followed() -> None:
    om("datasets", "put", "sales.csv", "sales", "-a", "owner=ada", "-a", "year=1843", "--why", "first")
    om("datasets", "put", "sales.csv", "sales", "--append")
    om("datasets", "tag", "sales", "golden", "--version", "1")
    assert om_json("datasets", "metadata", "sales@golden")["attributes"] == {"owner": "ada", "year": 1843}
    assert [row["version"] for row in om_json("datasets", "versions", "sales")] == [1, 2]
    om("datasets", "rollback", "sales", "--why", "twice is too much")
    assert [row["name"] for row in om_json("datasets", "list", "s*")] == ["sales"]
    assert om_json("datasets", "list", "t*") == []
    om("datasets", "drop", "sales")
    mistake("datasets", "get", "sales")
    om("datasets", "rollback", "sales")
    actions = [row["action"] for row in om_json("datasets", "history", "sales")]
    assert actions == ["put", "append", "tag", "rollback", "drop", "rollback"]
    table = om("datasets", "history", "sales").stdout
    assert "twice is too much" in table


def test_a_bucket_sees_only_its_own() -> None:
    om("--bucket", "ada", "datasets", "put", "sales.csv", "sales")
    assert om_json("datasets", "list") == []
    assert len(om_json("datasets", "list", "--bucket", "ada")) == 1


# --- the main job


def test_fit_predict_and_promotion_from_the_command_line() -> None:
    om("datasets", "put", "sales.csv", "sales")
    om("models", "put", "factories:line", "line")
    refused = om("models", "promote", "line", "prod", code=1)
    assert "not trained" in refused.stderr or "not fitted" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert om_json("runtime", "--local", "model", "line", "fit", "sales[x]", "sales[y]")["version"] == 2
    predicted = om_json("runtime", "model", "line", "predict", "sales[x]")
    np.testing.assert_allclose(predicted, [2, 4, 6])
    assert om_json("runtime", "--local", "model", "line", "score", "sales[x]", "sales[y]") == pytest.approx(1)
    stored = om_json("runtime", "--local", "model", "line", "predict", "sales[x]", "--into", "forecast")
    assert (stored["store"], stored["name"]) == ("datasets", "forecast")
    assert om_json("models", "promote", "line", "prod", "--dry-run")["dry_run"] is True
    assert om_json("--context", "prod", "models", "list") == []
    assert om_json("models", "promote", "line", "prod", "--as", "live")["version"] == 1
    assert [row["name"] for row in om_json("models", "list", "--context", "prod")] == ["live"]


def test_a_task_that_is_left_alone_ends_and_tells(project: Path) -> None:
    om("datasets", "put", "sales.csv", "sales")
    om("models", "put", "factories:line", "line")
    submit = [sys.executable, "-m", "omcore.cli", "runtime", "--async", "model", "line", "fit", "sales[x]", "sales[y]"]
    left = subprocess.run(submit, capture_output=True, text=True, check=True, cwd=project)
    task = left.stdout.strip()
    assert om_json("runtime", "result", task)["version"] == 2
    assert om("runtime", "status", task).stdout.strip() == "SUCCESS"
    assert [row["id"] for row in om_json("runtime", "tasks", "--state", "success")] == [task]


def test_a_task_that_fails_says_why_and_ends_with_1() -> None:
    om("datasets", "put", "sales.csv", "sales")
    om("models", "put", "factories:line", "line")
    failed = om("runtime", "--local", "model", "line", "predict", "sales[x]", code=1)
    assert "NotFittedError" in failed.stderr
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "option", [("--into", "bad["), ("-o", "result.xyz"), ("-o", "no/such/folder/result.csv")], ids=" ".join
)
def test_what_could_not_keep_the_result_is_refused_before_any_work(option: tuple[str, str]) -> None:
    om("datasets", "put", "sales.csv", "sales")
    om("models", "put", "factories:line", "line")
    assert option[1].split("/")[0] in mistake("runtime", "model", "line", "fit_transform", "sales[x]", *option)
    assert om_json("runtime", "tasks") == []


def test_parameters_are_json_or_text() -> None:
    om("models", "put", "factories:line", "line")
    known = om_json("runtime", "--local", "model", "line", "call", "get_params", "-p", "deep=false")
    assert known["fit_intercept"] is True


def test_help_of_a_proxy_lists_its_actions() -> None:
    text = om("runtime", "model", "--help").stdout
    assert "fit X Y" in text
    assert "Predict for every row of X" in text


# --- mistakes: one sentence, exit code 2


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("datasets", "put", "nothing.csv", "x"), "no file 'nothing.csv'"),
        (("datasets", "put", "factories.py", "../x"), "../x"),
        (("datasets", "put", "sales.csv", "x" * 500), "200"),
        (("datasets", "get", "sales[x"), "sales[x"),
        (("datasets", "get", "nothing"), "nothing"),
        (("datasets", "get", "sales@7"), "sales"),
        (("models", "put", "factories:nothing", "m"), "factories:nothing"),
        (("models", "put", "factories:broken", "m"), "no such thing"),
        (("models", "put", "nowhere:line", "m"), "nowhere"),
        (("jobs", "put", "sales.csv", "j"), "sales.csv"),
        (("datasets", "put", "sales.csv", "x", "-a", "novalue"), "KEY=VALUE"),
        (("datasets", "get", "x", "-f", "y__gx=1"), "gx"),
        (("models", "promote", "m", "nowhere"), "nowhere"),
        (("runtime", "model", "m", "predict", "sales"), "m"),
        (("runtime", "modle", "m", "predict", "sales"), "modle"),
        (("runtime", "result", "nothing"), "nothing"),
        (("runtime", "tasks", "--state", "odd"), "odd"),
        (("runtime", "--local", "--async", "model", "m", "fit"), "--local"),
        (("--context", "nowhere", "datasets", "list"), "nowhere"),
        (("--bucket", "../x", "datasets", "list"), "../x"),
        (("datasets", "put", "-", "x"), "JSON"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_sentence(args: tuple[str, ...], says: str) -> None:
    assert says in mistake(*args)


def test_a_file_that_is_not_what_its_suffix_says_is_a_mistake() -> None:
    for name in ("bad.parquet", "bad.npy", "bad.json", "bad.csv"):
        Path(name).write_bytes(b"\x93NUM\x00\xff\xfe" if name != "bad.csv" else b"")
        assert name in mistake("datasets", "put", name, "x")
    assert om_json("datasets", "list") == []


@pytest.mark.parametrize("text", ["a,b\n1,2,3\n", "a,b\n1,2,3\n4\n", "a,b\n1,2\n3,4,5\n"])
def test_a_table_with_more_fields_than_names_is_refused(text: str) -> None:
    Path("ragged.csv").write_text(text)
    assert "ragged.csv" in mistake("datasets", "put", "ragged.csv", "x")
    assert om_json("datasets", "list") == []


def test_a_value_that_does_not_fit_the_file_leaves_the_file_alone() -> None:
    Path("kept.npy").write_text("kept")
    om("datasets", "put", "sales.csv", "sales")
    om("datasets", "put", "-", "value", stdin='{"a": 1}')
    mistake("datasets", "get", "value", "kept.npy")
    mistake("datasets", "get", "sales", "table.xyz")
    mistake("datasets", "get", "sales", "no/such/folder/table.csv")
    assert Path("kept.npy").read_text() == "kept"
    assert sorted(path.name for path in Path().iterdir() if "kept" in path.name) == ["kept.npy"]


def test_numbers_texts_and_places_that_nobody_means_are_mistakes() -> None:
    om("datasets", "put", "sales.csv", "sales")
    mistake("datasets", "get", "sales", "--version", "9" * 5000)
    for target in (".", "..", "/"):
        mistake("datasets", "get", "sales", target)
    for text in (b"\xff\xfe", b"[" * 100_000):
        result = CliRunner().invoke(cli, ["datasets", "put", "-", "x"], input=text)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    Path("twice.csv").write_text("a,a.1\n1,2\n")
    om("datasets", "put", "twice.csv", "twice")


def test_a_folder_with_something_in_it_is_not_replaced_by_a_script() -> None:
    om("scripts", "put", "factories.py", "factories")
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    mistake("scripts", "get", "factories", "full")
    assert [path.name for path in Path("full").iterdir()] == ["mine.txt"]
    assert not [path for path in Path().iterdir() if path.name.startswith(".full")]

"""Jobs and scripts on the command line: what `om runtime job` and `om runtime script` say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

import omcore
from omcore.cli import cli
from tests.core.programs.made import notebook

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script and a job in its store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "omcore.toml").write_text('[contexts.dev]\nstorage = { durability = "process" }\n')
    (tmp_path / "etl.py").write_text("def run(om, *args, n=1): return {'args': list(args), 'n': n}\n")
    with omcore.setup() as om:
        om.scripts.put(tmp_path / "etl.py", "etl")
        om.jobs.put(notebook("print(10 / n)", parameters="n = 1"), "report")
    return tmp_path


def om(*words: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, ["runtime", "--local", *words])


@pytest.mark.usefixtures("project")
def test_a_script_takes_words_and_parameters_and_its_result_is_printed() -> None:
    done = om("script", "etl", "run", "a", "2", "-p", "n=5")
    assert (done.exit_code, done.stdout) == (0, "{'args': ['a', '2'], 'n': 5}\n")


@pytest.mark.usefixtures("project")
def test_a_job_takes_parameters_and_says_where_it_is_kept() -> None:
    done = om("job", "report", "run", "-p", "n=5")
    assert done.exit_code == 0
    assert done.stdout.startswith("jobs/results/report@1  jupyter.notebook")
    failed = om("job", "report", "run", "-p", "n=0")
    assert failed.exit_code == 1
    assert "ZeroDivisionError: division by zero (it was raised in cell 3 of 3" in failed.stderr
    assert "is kept as jobs/results/report/failed@1" in failed.stderr
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("script", "etl", "go"), "a script has no action 'go'; there are run"),
        (("script", "nope", "run"), "there is no object 'nope' in scripts"),
        (("job", "report", "run", "5"), "wrong arguments to run: too many positional arguments"),
    ],
    ids=["no action", "no script", "by position"],
)
@pytest.mark.usefixtures("project")
def test_a_mistake_is_one_sentence(command: tuple[str, ...], told: str) -> None:
    done = om(*command)
    assert done.exit_code == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("project")
def test_the_help_says_what_is_given_by_position() -> None:
    assert "run [ARGS]...: Call the script" in om("script", "--help").stdout
    job = om("job", "--help").stdout
    assert "run: Execute the notebook" in job
    assert "names of datasets" not in job
    assert "names of datasets are its ARGUMENTS" in om("model", "--help").stdout

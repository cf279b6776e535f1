"""The command `om` itself: what it loads, what its errors look like, where its options stand."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from omcore import errors
from omcore.cli import Root, cli
from omcore.cli.common import progress, session, show, show_json
from omcore.cli.groups import GROUPS, Entry
from omcore.cli.options import take_common_options
from omcore.cli.results import print_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.OmError)]


def om_with(callback: Callable[[], Any]) -> Root:
    """`om` with one command, `try`."""
    root = Root({})
    root.add_command(click.Command("try", callback=callback))
    take_common_options(root)
    return root


def run(callback: Callable[[], Any], *args: str) -> Result:
    return CliRunner().invoke(om_with(callback), ["try", *args])


def raising(error: BaseException) -> Callable[[], None]:
    def callback() -> None:
        raise error

    return callback


# --- commands


def test_listing_the_commands_imports_none_of_them() -> None:
    program = """
import sys
from omcore.cli import main
sys.argv = ["om", "--help"]
try:
    main()
except SystemExit:
    print([name for name in sys.modules if name.startswith("omcore.cli.")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for name in GROUPS:
        assert f"  {name} " in done.stdout
    loaded = done.stdout.splitlines()[-1]
    assert [entry.target for entry in GROUPS.values() if repr(entry.target.partition(":")[0]) in loaded] == []


@pytest.mark.parametrize("name", GROUPS)
def test_every_command_of_the_table_is_there_with_help_and_the_common_options(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert all(option in result.output for option in ("--context", "--bucket", "--json"))


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output.startswith("om 0.")


# --- options


def test_the_common_options_stand_before_and_after_the_command_and_the_last_one_counts() -> None:
    def tell() -> None:
        show_json([session().context, session().bucket, session().json])

    assert json.loads(run(tell).output) == [None, None, False]
    assert json.loads(run(tell, "--context", "a", "--json").output) == ["a", None, True]
    before = ["--context", "a", "--bucket", "b", "try", "--context", "c"]
    assert json.loads(CliRunner().invoke(om_with(tell), before).output) == ["c", "b", False]


def test_commands_within_groups_take_the_common_options_too() -> None:
    root = Root({})
    outer, inner = click.Group("outer"), click.Group("inner")
    root.add_command(outer)
    outer.add_command(inner)
    inner.add_command(click.Command("tell", callback=lambda: show_json(session().context)))
    take_common_options(root)
    take_common_options(root)
    for place in range(1, 4):
        line = ["outer", "inner", "tell"]
        line[place:place] = ["--context", "here"]
        assert CliRunner().invoke(root, line).output == '"here"\n'


def test_a_commands_own_option_of_a_common_name_stays_its_own() -> None:
    command = click.Command("try", params=[click.Option(["--json", "own"])], callback=click.echo)
    assert [option.opts for option in take_common_options(command).params].count(["--json"]) == 1


# --- errors


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_of_ours_is_one_sentence_without_a_traceback(kind: type[errors.OmError]) -> None:
    error = kind("k", None, None) if issubclass(kind, errors.ConflictError) else kind("first\nsecond \x1b[31m")
    result = run(raising(error))
    failure = errors.StorageError, errors.TaskError, errors.PromotionRefusedError, errors.VetoError
    mistake = errors.NoWorkerError, errors.TaskNotFoundError, errors.SignatureError
    expected = 1 if issubclass(kind, failure) and not issubclass(kind, mistake) else 2
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (expected, "", 1)
    assert result.stderr.startswith("om: ")
    assert "\x1b" not in result.stderr


def test_the_plugin_that_vetoed_is_named() -> None:
    error = errors.VetoError("because")
    error.add_note("raised in om_before_put by hooks 'acme' of acme 1.0")
    assert run(raising(error)).stderr == "om: because (raised in om_before_put by hooks 'acme' of acme 1.0)\n"


def test_a_bug_keeps_its_traceback() -> None:
    assert isinstance(run(raising(ZeroDivisionError())).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["cofnig"], "there is no command 'cofnig'; did you mean 'config'?"),
        (["config", "--jsn"], "'--json'"),
        (["config", "too", "much"], "extra argument"),
        (["completion"], "missing argument"),
        (["completion", "fish"], "'fish' is not one of"),
        (["--context"], "requires an argument"),
        (["--context", "nowhere", "config"], "the context 'nowhere' does not exist"),
    ],
)
def test_a_mistake_in_the_line_is_one_sentence_and_code_2(
    line: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, line)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert says in result.stderr


def test_what_omcore_logs_is_one_line_without_a_traceback() -> None:
    def log() -> None:
        logging.getLogger("omcore.plugin").warning("ill:\n%s", "plugin", exc_info=OSError())

    result = run(log)
    assert (result.exit_code, result.stderr) == (0, "om: warning: ill: plugin\n")
    assert logging.getLogger("omcore").handlers == []


def test_an_interrupt_ends_without_a_traceback() -> None:
    result = run(raising(KeyboardInterrupt()))
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_a_reader_who_leaves_early_sees_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", "from omcore.cli import main; main()", "plugins", "--json"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path)
    os.close(write)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


# --- output


ROWS: list[dict[str, Any]] = [
    {"name": "a" * 300, "size": 1.5, "tags": ["x", "y"]},
    {"name": "[red]b\n\x1b[31m", "size": None, "tags": True},
]


def test_rows_are_a_table_for_people_and_json_for_programs() -> None:
    def tell() -> None:
        show(ROWS, ["name", "size"])

    table = run(tell).output.splitlines()
    assert [line.split()[0] for line in table] == ["NAME", "a" * 300, "[red]b"]
    assert "\x1b" not in "".join(table)
    assert json.loads(run(tell, "--json").output) == ROWS


def test_the_columns_of_a_frame_keep_their_names() -> None:
    import pandas as pd

    frame = pd.DataFrame({"price": [1.5], "Price": [2.5], "unit_cost": [3]})
    assert run(lambda: print_value(frame)).output.splitlines()[0].split() == ["price", "Price", "unit_cost"]


def test_no_rows_are_an_empty_list_for_programs_and_a_word_for_people() -> None:
    assert run(lambda: show([], ["name"], empty="no models")).output == "no models\n"
    assert json.loads(run(lambda: show([], ["name"]), "--json").output) == []


def test_json_holds_what_programs_can_read_whatever_the_value() -> None:
    from datetime import UTC, datetime

    import numpy as np

    value = {"at": datetime(2020, 1, 2, tzinfo=UTC), "nan": float("nan"), "array": np.arange(2), "n": np.float64(1.5)}
    result = run(lambda: show_json(value))
    assert json.loads(result.output) == {"at": "2020-01-02T00:00:00Z", "nan": None, "array": [0, 1], "n": 1.5}


def test_progress_is_silent_where_nobody_watches() -> None:
    def work() -> None:
        with progress("working", total=2) as advance:
            advance(1)
            advance(1)

    result = run(work)
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("line", ["init P", "demo --keep P", "datasets get x P", "runtime result x -o P"])
def test_what_can_be_no_path_is_a_mistake(line: str) -> None:
    result = CliRunner().invoke(cli, ["a\0b" if word == "P" else word for word in line.split()])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "holds a NUL character" in result.stderr


# --- completion


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_script_of_a_shell_is_printed(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert f"_OM_COMPLETE={shell}_complete" in result.stdout


def complete(line: str, folder: Path) -> list[str]:
    words = line.split(" ")
    environment = {**os.environ, "_OM_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    command = [sys.executable, "-c", "from omcore.cli import main; main()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=folder)
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_options_and_contexts_are_completed(tmp_path: Path) -> None:
    (tmp_path / "omcore.toml").write_text("[contexts.dev]\n[contexts.prod]")
    assert complete("om do", tmp_path) == ["doctor"]
    assert complete("om --context ", tmp_path) == ["dev", "prod"]
    assert complete("om config --context p", tmp_path) == ["prod"]
    assert complete("om config --js", tmp_path) == ["--json"]
    (tmp_path / "omcore.toml").write_text("not TOML")
    assert complete("om --context ", tmp_path) == []


def test_a_command_that_is_missing_from_its_module_is_a_bug() -> None:
    root = Root({"lost": Entry("omcore.cli.config:lost", "Not there.")})
    assert isinstance(CliRunner().invoke(root, ["lost"]).exception, AttributeError)

"""X10: ten canaries are known to a context, its workers and what they run; none is told, kept or shown anywhere.

Those of the task come by the environment, as they should: what a task is made of, a caller's own arguments too, is
kept as it is.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest

import omcore
from omcore.errors import InvalidArgumentError, TaskError
from omcore.runtimes import tasklog

from .harness import IMPORTABLE, put_script

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

CANARIES = [f"canary{number}Wm4Tq8Zs{number}" for number in range(10)]
NAMES = ("PRINTED", "LOGGED", "WARNED", "RAISED", "CAUSE", "NOTE", "DYING")
INSIDE = dict(zip(NAMES, CANARIES, strict=False))
SIGNING, ACCEPTED, ARGUMENT = CANARIES[len(NAMES) :]
CONFIGURATION = f"""
[contexts.default]
storage = {{ backend = "embedded", durability = "process" }}
runtime = {{ backend = "local", workers = 1, shared = false }}
signing_key = "{SIGNING}"
trust = {{ keys = ["{ACCEPTED}"] }}
"""
LEAKY = """
import logging, os, sys, warnings

def address(name):
    return f"postgres://ada:{os.environ[name]}@db/x"

def run(om, how):
    print("asked", address("PRINTED"), om, om.runtime, om.context.settings, om.context.auth)
    print(address("PRINTED"), file=sys.stderr)
    logging.getLogger("leaky").warning("asked %s", address("LOGGED"))
    warnings.warn(address("WARNED"))
    if how == "die":
        os.write(2, f"asked {address('DYING')} at last\\n".encode())
        os._exit(3)
    try:
        raise ConnectionError(f"no {address('CAUSE')}")
    except ConnectionError as error:
        error.add_note(f"asked {address('NOTE')}")
        raise ValueError(f"cannot read {address('RAISED')}") from error
"""


def open_context(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Omega:
    for name, canary in INSIDE.items():
        monkeypatch.setenv(name, canary)
    monkeypatch.syspath_prepend(IMPORTABLE)
    (folder / "omcore.toml").write_text(CONFIGURATION)
    return omcore.setup(config=folder / "omcore.toml")


def shown_of(om: Omega, handle: Handle) -> list[str]:
    """Everything that a task's handle, record and error say."""
    shown = []
    try:
        handle.get(timeout=100)
    except TaskError as error:
        shown += ["".join(traceback.format_exception(error)), repr(error), str(vars(error))]
    outcome = om.context.records.outcome(handle.id)
    assert outcome is not None
    shown += [repr(handle), handle.explain(), handle.logs(), repr(outcome), outcome.dump().decode()]
    return shown


def kept_by(om: Omega, folder: Path) -> list[str]:
    """Every record there is, and every file but the configuration."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "omcore.toml"]
    records = [str(record) for record in om.context.storage.scan_records("")]
    return [*records, *(path.read_bytes().decode("latin-1") for path in files)]


def found_in(texts: list[str]) -> list[str]:
    return [canary for canary in CANARIES if any(canary in text for text in texts)]


def refusal(om: Omega) -> list[str]:
    """What is said of arguments that do not fit."""
    from sklearn.linear_model import LinearRegression

    om.models.put(LinearRegression(), "line")
    with pytest.raises(InvalidArgumentError) as refused:
        om.runtime.model("line").predict([1], [2], password=ARGUMENT)
    return [str(refused.value), repr(refused.value), repr(refused.value.__cause__)]


def test_the_harness_catches_a_log_that_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasklog, "safe_text", str)
    with open_context(tmp_path, monkeypatch) as om:
        put_script(om, tmp_path, "leaky", LEAKY)
        with pytest.warns(UserWarning, match="postgres"):
            shown = shown_of(om, om.runtime.mode(local=True).script("leaky").run("raise"))
        assert {INSIDE["PRINTED"], INSIDE["LOGGED"]} <= set(found_in(shown))


def test_no_canary_is_told_kept_or_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), open_context(tmp_path, monkeypatch) as om:
        put_script(om, tmp_path, "leaky", LEAKY)
        run = om.runtime.script("leaky").run
        shown = [*shown_of(om, run("raise")), *shown_of(om, run("die"))]
        assert sum("cannot read postgres://ada:***@db/x" in text for text in shown) > 1
        assert sum("asked postgres://ada:***@db/x at last" in text for text in shown) > 1
        shown += refusal(om)
        shown += [repr(om), repr(om.runtime), repr(om.runtime.auth), repr(om.context.settings), str(om.runtime.tasks())]
        shown += [repr(om.runtime.workers()), repr(om.context.worker_entry), repr(om.runtime.explain())]
        kept = kept_by(om, tmp_path)
    captured = capfd.readouterr()
    told = [record.getMessage() for record in caplog.records]
    assert found_in([*shown, *kept, *told, captured.out, captured.err]) == []
    print("10 canaries: none in any record, file, log, error, repr or output")

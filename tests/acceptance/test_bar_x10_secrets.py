"""Bar X10: ten canaries go in through every door for secrets; none comes out, in print, in a record or in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CANARIES = [f"canary{number}Zq7Xw9Lk3Vb{number}" for number in range(10)]
SIGNING, ACCEPTED, URL, BROKER, OPTION, ENVIRONMENT, ARGUMENT, RAISED, REFERENCE, KEYWORD = CANARIES

CONFIGURATION = f"""
default_context = "dev"
[contexts.dev]
signing_key = "{SIGNING}"
trust = {{ keys = ["{ACCEPTED}"] }}
runtime = {{ backend = "local", workers = 1 }}
[contexts.far]
storage = {{ backend = "mongo", url = "mongodb://ada:{URL}@db/omega", password = "{OPTION}" }}
[contexts.slow]
runtime = {{ backend = "celery", broker = "redis://:{BROKER}@broker/0" }}
"""

MODEL = f"""
import sys
from sklearn.base import BaseEstimator

class Leaky(BaseEstimator):
    def fit(self, X, y=None):
        try:
            raise ConnectionError("no postgres://ada:{RAISED}@db/x")
        except ConnectionError as error:
            error.add_note("asked postgres://ada:{RAISED}@db/x")
            raise ValueError("cannot read postgres://ada:{RAISED}@db/x") from error

    def predict(self, X, password=None):
        return X

def leaky():
    return Leaky()
"""

SCRIPT = f"""
import logging, subprocess, traceback
import omcore as om
logging.basicConfig(level=logging.DEBUG)
print(om["x"], om.runtime, om.runtime.auth, om["x"].context.settings)
handles = [om.runtime.model("leaky").fit([1]), om.runtime.durable().model("leaky").predict([1])]
print(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout)
detached = om.runtime.detach().model("leaky").fit([1])
for handle in [*handles, detached]:
    try:
        print(handle, handle.get(120))
    except Exception as error:
        traceback.print_exception(error)
        print(error.remote_traceback)
for ask in (
    lambda: om.runtime.model("leaky").predict([1], [2], password="{ARGUMENT}"),
    lambda: om.setup(mongo_url="mongodb://ada:{KEYWORD}@db/omega").datasets.list(),
    lambda: om.setup("far").datasets.list(),
    lambda: om.setup("slow").runtime.labels(),
):
    try:
        ask()
    except Exception as error:
        print(type(error).__name__, error)
for record in om["omega"].context.storage.scan_records(""):
    print(record)
om.close()
"""

COMMANDS = [
    ("models", "put", "leaky:leaky", "leaky"),
    ("runtime", "model", "leaky", "fit", "[1]"),
    ("runtime", "tasks"),
    ("config",),
    ("contexts",),
    ("doctor",),
    ("--context", "far", "config"),
    ("--context", "far", "datasets", "list"),
    ("--context", "slow", "runtime", "labels"),
    ("--context", "slow", "doctor"),
    ("datasets", "get", f"mongodb://ada:{REFERENCE}@db/x"),
    ("models", "promote", "leaky", f"mongodb://ada:{REFERENCE}@db/x"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "omcore.toml").write_text(CONFIGURATION)
    (tmp_path / "leaky.py").write_text(MODEL)
    return tmp_path


def run(project: Path, *args: str) -> str:
    environment = {**os.environ, "OMCORE__STORAGE__PASSPHRASE": ENVIRONMENT} if "doctor" in args else dict(os.environ)
    environment["PYTHONPATH"] = str(project)
    done = subprocess.run(
        [sys.executable, *args], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_no_canary_sings(project: Path) -> None:
    heard = {args: run(project, "-m", "omcore.cli", *args) for args in COMMANDS}
    for as_json in (("config",), ("contexts",), ("--context", "far", "config")):
        heard[*as_json, "--json"] = run(project, "-m", "omcore.cli", *as_json, "--json")
    script = run(project, "-c", SCRIPT)
    heard["script",] = script
    assert "cannot read postgres://ada:***@db/x" in script, script
    assert script.count("Record(") >= 3, script
    singing = {(args, canary) for args, text in heard.items() for canary in CANARIES if canary in text}
    assert singing == set()
    own = {"omcore.toml", "leaky.py"}
    files = [path for path in project.rglob("*") if path.is_file() and path.name not in own and path.suffix != ".pyc"]
    kept = {(path, canary) for path in files for canary in CANARIES if canary.encode() in path.read_bytes()}
    assert kept == set()

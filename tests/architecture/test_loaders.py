"""Whatever could run code that it reads is in one package (bar X2)."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import omcore.plugin.hookspecs as manual

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(manual.__file__).parents[1]
PLUGINS = SOURCE.parents[2] / "plugins"
LOADERS = Path("objects", "codecs", "loaders")

MODULES = frozenset(
    {
        *("pickle", "_pickle", "_compat_pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "joblib"),
        *("skops", "yaml", "runpy", "code", "codeop", "imp", "pty", "zipimport"),
    }
)
"""Modules that load what runs code."""

BUILTINS = frozenset({"eval", "exec", "compile", "__import__"})

ATTRIBUTES = frozenset(
    {
        *("read_pickle", "to_pickle", "ForkingPickler", "extractall", "unpack_archive", "system", "popen", "getoutput"),
        *("getstatusoutput", "literal_compile", "load_module", "exec_module", "unsafe_load", "full_load"),
    }
)
"""Names that do so wherever they come from."""

ALLOWED = {
    "runtimes/pool.py:ForkingPickler": "hands a worker that it starts itself what to call, through their own pipe",
    "runtimes/errorback.py:importlib.import_module": "knows the modules of the errors it makes again",
    "objects/registry.py:importlib.import_module": "imports the codecs that installed packages announce",
    "objects/codecs/allowlist/generate.py:importlib.import_module": "is a tool of ours, and run by us",
    "proxies/programs/modules.py:exec_module": "runs stored scripts, which is what it is for, once trust allows it",
    "cli/reading.py:importlib.import_module": "imports what the person at the keyboard names",
}
"""What is allowed elsewhere, and why."""


def findings(source: str) -> Iterator[str]:
    """What in a module loads something that could run code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from _imported(node)
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            yield node.attr
        elif isinstance(node, ast.Call):
            yield from _called(node)


def _imported(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    if module.partition(".")[0] in MODULES:
        yield module
    yield from (name.name for name in node.names if name.name in ATTRIBUTES)


def _called(node: ast.Call) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
        yield node.func.id
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    for name in ("shell", "allow_pickle"):
        value = keywords.get(name)
        if value is not None and not (isinstance(value, ast.Constant) and value.value is False):
            yield f"{name}="
    if ast.unparse(node.func) in {"np.load", "numpy.load"} and "allow_pickle" not in keywords:
        yield "np.load"
    if ast.unparse(node.func) == "importlib.import_module" and node.args and not isinstance(node.args[0], ast.Constant):
        yield "importlib.import_module"


def modules() -> dict[str, Path]:
    """Every module of the core but the kit, and of the plugins that are here, by its path."""
    core = {path.relative_to(SOURCE): path for path in SOURCE.rglob("*.py")}
    found = {path.as_posix(): file for path, file in core.items() if path.parts[0] != "testing"}
    return found | {path.relative_to(PLUGINS).as_posix(): path for path in PLUGINS.glob("*/src/**/*.py")}


def test_what_could_run_code_is_loaded_in_one_package_only() -> None:
    outside = {name: path for name, path in modules().items() if LOADERS not in Path(name).parents}
    found = {f"{name}:{what}" for name, path in outside.items() for what in findings(path.read_text())}
    assert found == set(ALLOWED)


def test_the_package_of_the_loaders_is_where_they_are() -> None:
    inside = [path for name, path in modules().items() if LOADERS in Path(name).parents]
    assert {"pickle", "skops.io"} <= {what for path in inside for what in findings(path.read_text())}


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import pickle", "pickle"),
        ("import pickle as harmless", "pickle"),
        ("from pickle import loads", "pickle"),
        ("def f():\n    from joblib import load", "joblib"),
        ("import yaml", "yaml"),
        ("import numpy as np\nnp.load('x')", "np.load"),
        ("import numpy as np\nnp.load('x', allow_pickle=True)", "allow_pickle="),
        ("import numpy as np\nnp.load('x', allow_pickle=trusted)", "allow_pickle="),
        ("eval('1')", "eval"),
        ("exec('1')", "exec"),
        ("__import__('os')", "__import__"),
        ("import subprocess\nsubprocess.run('x', shell=True)", "shell="),
        ("import os\nos.system('x')", "system"),
        ("import tarfile\ntarfile.open('x').extractall()", "extractall"),
        ("import shutil\nshutil.unpack_archive('x')", "unpack_archive"),
        ("import pandas as pd\npd.read_pickle('x')", "read_pickle"),
        ("from pandas import read_pickle", "read_pickle"),
        ("import importlib\nimportlib.import_module(name)", "importlib.import_module"),
    ],
)
def test_a_planted_loader_is_caught(planted: str, found: str) -> None:
    assert found in findings(planted)


@pytest.mark.parametrize(
    "harmless",
    [
        "import json\njson.loads('1')",
        "import re\nre.compile('x')",
        "import numpy as np\nnp.load('x', allow_pickle=False)",
    ],
)
def test_what_runs_nothing_is_not_caught(harmless: str) -> None:
    assert list(findings(harmless)) == []

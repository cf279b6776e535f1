"""The codecs of the core are named without importing a library, and each entry finds its codec."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from nbformat import v4
from scipy import sparse
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.registry import CodecRegistry, load_codec

REGISTRY = CodecRegistry(BUILTIN)
STORES = {"datasets", "models", "jobs", "scripts"}
new: Any = v4


@pytest.mark.parametrize("entry", BUILTIN, ids=lambda entry: entry.kind)
def test_an_entry_names_the_codec_of_its_kind(entry: Any) -> None:
    codec = load_codec(entry.kind, entry.target)
    assert codec.kind == entry.kind
    assert entry.stores <= STORES
    assert codec.plain is not entry.kind.startswith("sklearn.")


@pytest.mark.parametrize(
    ("value", "store", "kind"),
    [
        (pd.DataFrame(), "datasets", "pandas.dataframe"),
        (pd.Series([1]), "datasets", "pandas.series"),
        (pa.table({"a": [1]}), "datasets", "arrow.table"),
        (np.zeros(3), "datasets", "numpy.ndarray"),
        (np.float64(1), "datasets", "numpy.scalar"),
        (np.int8(1), "datasets", "numpy.scalar"),
        (np.bool_(True), "datasets", "numpy.scalar"),
        (np.str_("a"), "datasets", "numpy.scalar"),
        (np.bytes_(b"a"), "datasets", "numpy.scalar"),
        (sparse.eye(2, format="csr"), "datasets", "scipy.sparse"),
        ({"a": 1}, "datasets", "json.value"),
        (None, "datasets", "json.value"),
        (True, "datasets", "json.value"),
        (b"a", "datasets", "bytes"),
        (b"a", "models", "bytes"),
        (Path(__file__), "datasets", "file"),
        (Path(__file__), "scripts", "python.script"),
        (Path(__file__).parent, "scripts", "python.script"),
        (LinearRegression(), "models", "sklearn.estimator"),
        (make_pipeline(LinearRegression()), "models", "sklearn.estimator"),
        (new.new_notebook(), "jobs", "jupyter.notebook"),
        (Path("report.ipynb"), "jobs", "jupyter.notebook"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_value_finds_the_codec_that_fits_it(value: Any, store: str, kind: str) -> None:
    assert REGISTRY.for_value(value, store).kind == kind


def test_skops_is_chosen_by_name_alone() -> None:
    assert REGISTRY.for_value(LinearRegression(), "models", "sklearn.skops").kind == "sklearn.skops"


@pytest.mark.parametrize(
    ("value", "store"),
    [
        (dt.date(2024, 1, 1), "datasets"),
        (object(), "datasets"),
        (LinearRegression(), "datasets"),
        (Path("no/such/file"), "datasets"),
        (Path(__file__), "jobs"),
        (b"a", "scripts"),
        ({1, 2}, "datasets"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_no_codec_takes_is_refused_by_name(value: Any, store: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=type(value).__name__):
        REGISTRY.for_value(value, store)


def test_naming_the_codecs_imports_no_library() -> None:
    script = (
        "import sys\n"
        "import omcore.objects.codecs.entries, omcore.objects.codecs.base, omcore.objects.codecs.rules\n"
        "import omcore.objects.codecs.wire, omcore.objects.codecs.values, omcore.objects.codecs.files\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'sklearn', 'nbformat', 'scipy', 'skops'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr

"""The cache of a context: who has one, how large it is, and what frames and models fetch through it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression

import omcore as om
from omcore.cli import cli
from omcore.config import load_settings
from omcore.errors import ConfigurationError
from omcore.storage.cached import CachedStorage, uncached
from tests.core.storage.far import FarStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega

ROWS = 600_000
COLUMNS = [f"c{number}" for number in range(10)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an installed storage that is far away, and contexts that name it."""
    info = tmp_path / "site" / "acme_far-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-far\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[omcore.storage]\nfar = {FarStorage.__module__}:FarStorage\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "omcore.toml").write_text(
        "[contexts.default]\nstorage = { backend = 'far', durability = 'process' }\n"
        "[contexts.small]\nextends = 'default'\ncache = '1KiB'\n"
        "[contexts.off]\nextends = 'default'\ncache = false\n"
        "[contexts.near]\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def omega(folder: Path) -> Iterator[Omega]:
    with om.setup() as omega:
        yield omega


def backend(omega: Omega) -> FarStorage:
    storage = uncached(omega.context.storage)
    assert isinstance(storage, FarStorage)
    return storage


def fetched(omega: Omega, read: Callable[[], object]) -> int:
    before = backend(omega).fetched
    read()
    return backend(omega).fetched - before


# --- configuration


def test_only_a_storage_that_is_far_away_has_a_cache(folder: Path) -> None:
    kinds = {}
    for name in ("default", "small", "off", "near"):
        with om.setup(name) as omega:
            kinds[name] = isinstance(omega.context.storage, CachedStorage)
    assert kinds == {"default": True, "small": True, "off": False, "near": False}


@pytest.mark.parametrize(
    ("said", "size"),
    [('"10GiB"', 10 << 30), ('"1.5 GB"', 1_500_000_000), ("4096", 4096), ("0", 0), ('"0"', 0), ("false", 0)],
)
def test_a_size_is_a_number_of_bytes_or_one_with_a_unit(tmp_path: Path, said: str, size: int) -> None:
    (tmp_path / "omcore.toml").write_text(f"[contexts.default]\ncache = {said}\n")
    assert load_settings(folder=tmp_path, env={}).cache == size


@pytest.mark.parametrize("said", ["true", "-1", '"much"', '""', "[1]", "{ size = 1 }", "1.5", '"9999999EiB"'])
def test_what_is_no_size_is_refused_by_file_and_key(tmp_path: Path, said: str) -> None:
    (tmp_path / "omcore.toml").write_text(f"[contexts.default]\ncache = {said}\n")
    with pytest.raises(ConfigurationError, match=r"'cache.*omcore\.toml.*(512MiB|is unknown)") as refused:
        load_settings(folder=tmp_path, env={})
    assert "value error" not in str(refused.value)


def test_the_environment_sets_the_size_and_the_command_line_shows_it(folder: Path) -> None:
    environment = {"OMCORE__CACHE": "2GiB"}
    assert load_settings(folder=folder, env=environment).cache == 2 << 30
    shown = CliRunner().invoke(cli, ["config", "--json"], env=environment)
    rows = {row["key"]: (row["value"], row["origin"]) for row in json.loads(shown.stdout)["settings"]}
    assert rows["cache"] == ("2GiB", "environment OMCORE__CACHE")


def test_the_size_decides_nothing_about_workers(folder: Path) -> None:
    assert load_settings(folder=folder, env={}, context="default").home.name == "default"
    one, other = (load_settings(folder=folder, env=env) for env in ({}, {"OMCORE__CACHE": "1MiB"}))
    assert one.identity() == other.identity()


# --- what is fetched


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(1).standard_normal((ROWS, 10)), columns=COLUMNS)


def stored_size(omega: Omega, name: str) -> int:
    return omega.datasets.metadata(name).size


def test_a_frame_is_fetched_once_and_then_read_from_its_copy(omega: Omega, frame: pd.DataFrame) -> None:
    omega.datasets.put(frame, "big")
    assert fetched(omega, lambda: omega.datasets.get("big")) == stored_size(omega, "big")
    assert fetched(omega, lambda: pd.testing.assert_frame_equal(omega.datasets.get("big"), frame)) == 0
    assert fetched(omega, lambda: omega.datasets.get("big[c1,c7]")) == 0


@pytest.mark.parametrize("columns", [["c0", "c1"], ["c0", "c9"], ["c3", "c7"], ["c8", "c9"]])
def test_two_columns_of_ten_fetch_about_their_own_bytes(omega: Omega, frame: pd.DataFrame, columns: list[str]) -> None:
    omega.datasets.put(frame, "big")

    def read() -> None:
        pd.testing.assert_frame_equal(omega.datasets.get("big", columns=columns), frame[columns])

    assert fetched(omega, read) <= 0.35 * stored_size(omega, "big")


def test_rows_that_a_filter_keeps_fetch_no_more_than_the_groups_that_have_some(
    omega: Omega, frame: pd.DataFrame
) -> None:
    frame["c0"] = np.arange(ROWS, dtype=float)
    omega.datasets.put(frame, "big")

    def read() -> None:
        found = omega.datasets.get("big", c0__lt=10.0)
        pd.testing.assert_frame_equal(found.reset_index(drop=True), frame[:10])

    assert fetched(omega, read) <= 0.65 * stored_size(omega, "big")


VALUES: dict[str, Callable[[], Any]] = {
    "frame": lambda: pd.DataFrame({"x": range(100), "text": ["a"] * 100}),
    "array": lambda: np.arange(400_000.0),
    "plain": lambda: {"a": [1, 2, 3]},
    "categories": lambda: pd.DataFrame({"x": pd.Categorical(["a", "b"] * 5000)}),
}


@pytest.mark.parametrize("value", VALUES)
def test_any_value_is_fetched_once(omega: Omega, value: str) -> None:
    omega.datasets.put(VALUES[value](), "value")
    assert fetched(omega, lambda: omega.datasets.get("value")) > 0
    assert fetched(omega, lambda: omega.datasets.get("value")) == 0
    assert repr(omega.datasets.get("value")) == repr(VALUES[value]())


def test_a_model_is_fetched_once(omega: Omega) -> None:
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    omega.models.put(model, "line")
    assert fetched(omega, lambda: omega.models.get("line")) > 0
    assert fetched(omega, lambda: omega.models.get("line")) == 0


def test_without_a_cache_all_is_fetched_each_time(folder: Path) -> None:
    with om.setup("off") as omega:
        omega.datasets.put(np.arange(1000.0), "array")
        for _ in range(2):
            assert fetched(omega, lambda: omega.datasets.get("array")) == 8000
        assert not (folder / ".omcore" / "off" / "cache").exists()


def test_promotion_fetches_what_it_copies_and_fills_no_cache(folder: Path, omega: Omega) -> None:
    omega.datasets.put(np.arange(1000.0), "array")
    with om.setup("near") as near:
        omega.datasets.promote("array", near.datasets)
        np.testing.assert_equal(near.datasets.get("array"), np.arange(1000.0))
    assert not (folder / ".omcore" / "default" / "cache").exists()

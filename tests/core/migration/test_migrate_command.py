"""`om migrate` and `Omega.migrate`, between contexts of one file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression

import omcore as om
from omcore.cli import cli
from omcore.errors import InvalidArgumentError, MigrationRefusedError
from omcore.migration import moving, plan
from omcore.storage.transfer import copy_blob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.storage.backend import StorageBackend


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Omega, Omega]]:
    (tmp_path / "omcore.toml").write_text("default_context = 'old'\n[contexts.old]\n[contexts.new]\n")
    monkeypatch.chdir(tmp_path)
    with om.setup("old") as old, om.setup("new") as new:
        old.datasets.put(pd.DataFrame({"x": [1, 2]}), "sales")
        old.datasets.put(pd.DataFrame({"x": [3]}), "sales", append=True)
        old["user"].models.put(LinearRegression(), "line")
        yield old, new


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["migrate", *words])
    assert result.exit_code == code, result.output
    return result.output


def run_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_a_context_goes_with_all_its_buckets(contexts: tuple[Omega, Omega]) -> None:
    _, new = contexts
    lines = run("old", "new").splitlines()
    assert lines[0].split() == [
        "BUCKET",
        "STORE",
        "OBJECTS",
        "COPIED",
        "THERE",
        "ALREADY",
        "VERSIONS",
        "BLOBS",
        "BYTES",
    ]
    assert [line.split()[:6] for line in lines[1:3]] == [
        ["omega", "datasets", "1", "1", "0", "2"],
        ["user", "models", "1", "1", "0", "1"],
    ]
    assert lines[3].split()[:5] == ["all", "2", "2", "0", "3"]
    assert lines[4].startswith("2 of 2 objects of old were copied to new: 3 versions and 3 blobs")
    assert new.datasets.get("sales")["x"].tolist() == [1, 2, 3]
    assert new.datasets.get("sales", 1)["x"].tolist() == [1, 2]
    assert repr(new["user"].models.get("line")) == "LinearRegression()"


def test_a_dry_run_changes_nothing(contexts: tuple[Omega, Omega]) -> None:
    _, new = contexts
    found = run_json("old", "new", "--dry-run")
    assert (found["dry_run"], found["total"]["objects"], found["total"]["versions"]) == (True, 2, 3)
    assert new.datasets.list() == []
    assert run_json("old", "new")["objects"] == found["objects"]
    assert run_json("old", "new", "--dry-run", "--verify")["total"]["there_already"] == 2


def test_a_bucket_goes_alone(contexts: tuple[Omega, Omega]) -> None:
    _, new = contexts
    assert [each["bucket"] for each in run_json("old", "new", "--bucket", "user")["objects"]] == ["user"]
    assert (new.datasets.list(), new["user"].models.list()) == ([], ["line"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["old", "old"], "have the same storage"),
        (["old", "nwe"], "did you mean 'new'"),
        (["old", "new", "--bucket", "usr"], "did you mean 'user'"),
        (["old", "new", "--skip", "models/lime"], "did you mean 'models/line'"),
    ],
)
def test_a_mistake_is_one_sentence(contexts: tuple[Omega, Omega], words: list[str], says: str) -> None:
    output = run(*words, code=2)
    assert says in output
    assert output.startswith("om: ")
    assert len(output.splitlines()) == 1


def test_the_method_says_the_same(contexts: tuple[Omega, Omega]) -> None:
    old, new = contexts
    assert old.migrate(new, bucket="user", dry_run=True).rows()[-1]["objects"] == 1
    done = old.migrate(new)
    assert str(done).startswith("2 of 2 objects of old were copied to new")
    new.datasets.put(1, "other")
    old.datasets.put(2, "other")
    with pytest.raises(MigrationRefusedError, match="'other'"):
        old.migrate(new, verify=True)
    with pytest.raises(InvalidArgumentError, match="such as om_prod"):
        old.migrate("new")  # type: ignore[arg-type]


def test_what_is_to_be_left_out_is_and_is_named(contexts: tuple[Omega, Omega]) -> None:
    old, new = contexts
    new.datasets.put(1, "sales")
    assert "--skip omega/datasets/sales" in run("old", "new", code=2)
    assert run_json("old", "new", "--skip", "datasets/*", "--dry-run")["skipped"] == ["omega/datasets/sales"]
    lines = run("old", "new", "--skip", "datasets/sales", "--skip", "jobs/*", code=2).splitlines()
    assert lines == [line for line in lines if "no object 'jobs/*' to leave out" in line]
    lines = run("old", "new", "--skip", "datasets/sales").splitlines()
    assert lines[0].split()[6:8] == ["LEFT", "OUT"]
    assert lines[-1].startswith("1 of 2 objects of old were copied to new")
    assert lines[-1].endswith("; 1 left out: 'omega/datasets/sales'")
    assert (new.datasets.get("sales"), new["user"].models.list()) == (1, ["line"])
    assert old.migrate(new, skip="omega/datasets/sales").skipped == ["omega/datasets/sales"]


def test_an_interrupt_says_how_far_it_came_and_the_next_run_goes_on(
    contexts: tuple[Omega, Omega], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    copied: list[str] = []

    def copy(digest: str, source: StorageBackend, target: StorageBackend) -> None:
        if len(copied) == 2:
            raise KeyboardInterrupt
        copy_blob(digest, source, target)
        copied.append(digest)

    with monkeypatch.context() as patch:
        patch.setattr(moving, "copy_blob", copy)
        said = run("old", "new", code=1)
    assert said.startswith("om: interrupted after 1 of 2 objects, with ")
    assert "bytes copied; what can be seen in new is whole; run it again, and it goes on\n" in said
    assert said.count("\n") == 1
    with monkeypatch.context() as patch:
        patch.setattr(plan, "compare", interrupted)
        assert run("old", "new", code=1) == ("om: interrupted before both contexts were compared; nothing was copied\n")
    assert run("old", "new").splitlines()[-1].startswith("1 of 2 objects of old were copied to new: 1 versions")

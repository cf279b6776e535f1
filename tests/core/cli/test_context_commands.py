"""`om init`, `config`, `contexts`, `plugins` and `doctor`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from omcore.cli import cli
from omcore.cli.init import TEMPLATE
from omcore.config import load_settings

if TYPE_CHECKING:
    from click.testing import Result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a home without anything."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


def om(*line: str) -> Result:
    return CliRunner().invoke(cli, list(line))


def om_json(*line: str, code: int = 0) -> Any:
    result = om(*line, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def write(text: str) -> None:
    Path("omcore.toml").write_text(text)


# --- init


def test_init_writes_a_file_that_is_in_force_at_once(folder: Path) -> None:
    assert om("init").exit_code == 0
    settings = load_settings(env={})
    assert (settings.name, settings.file) == ("dev", folder / "omcore.toml")
    assert [section.policy for section in load_settings(context="prod", env={}).promotion_of("models")] == ["trained"]


def test_what_is_commented_out_in_it_is_in_force_once_it_is_not(folder: Path) -> None:
    lines = TEMPLATE.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("# [contexts.cluster]"))
    write("\n".join([*lines[:begin], *(line.removeprefix("# ").removeprefix("#") for line in lines[begin:])]))
    settings = load_settings(context="cluster", env={})
    assert (settings.storage.backend, settings.runtime.backend) == ("mongo", "celery")
    assert settings.labels == {"gpu": {"queue": "gpu-a100"}}
    assert settings.tasks.wait
    assert len(settings.promotion_of("models")) == 1
    assert tomllib.loads(TEMPLATE)["contexts"].keys() == {"dev", "prod"}


def test_init_leaves_a_file_that_is_there_as_it_is() -> None:
    write("# mine")
    result = om("init")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "exists already" in result.stderr
    assert Path("omcore.toml").read_text() == "# mine"


def test_init_into_another_folder(folder: Path) -> None:
    Path("below").mkdir()
    assert om_json("init", "below") == {"file": str(folder / "below" / "omcore.toml")}
    assert om("init", "nowhere").exit_code == 2


# --- config and contexts


def test_config_says_what_is_in_force_and_where_it_was_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("[contexts.prod]\ntasks = { timeout = 5 }")
    monkeypatch.setenv("OMCORE__TASKS__WAIT", "yes")
    found = om_json("config")
    assert (found["context"], found["file"]) == ("prod", str(folder / "omcore.toml"))
    settings = {one["key"]: (one["value"], one["origin"]) for one in found["settings"]}
    assert settings["tasks.timeout"] == (5, f"{folder / 'omcore.toml'}: contexts.prod.tasks.timeout")
    assert settings["tasks.wait"] == ("yes", "environment OMCORE__TASKS__WAIT")
    assert settings["storage.backend"] == ("embedded", "default")
    table = om("config").stdout
    assert "tasks.wait" in table
    assert "environment OMCORE__TASKS__WAIT" in table


def test_no_command_prints_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    canaries = [f"CANARY{number}zyx" for number in range(6)]
    write(
        f"""
        [contexts.prod]
        storage = {{ backend = "nowhere", url = "mongodb://u:{canaries[0]}@h", motto = "{canaries[1]}" }}
        runtime = {{ backend = "local", token = "{canaries[2]}", broker = "amqp://u:{canaries[3]}@h" }}
        signing_key = "{canaries[4]}"
        trust = {{ keys = ["{canaries[5]}"] }}
        """
    )
    lines = [
        [command, *options] for command in ("config", "contexts", "plugins", "doctor") for options in ([], ["--json"])
    ]
    output = "".join(om(*line).output for line in lines)
    assert [canary for canary in canaries if canary in output] == []
    assert "signing_key" in output


def test_contexts_are_listed_with_what_they_are_made_of_and_their_troubles() -> None:
    write(
        """
        default_context = "b"
        [contexts.a]
        storage = "memory"
        [contexts.b]
        extends = "a"
        [contexts.c]
        nonsense = 1
        """
    )
    found = {row["name"]: row for row in om_json("contexts")}
    assert [found[name]["default"] for name in "abc"] == [False, True, False]
    assert (found["b"]["extends"], found["b"]["storage"], found["b"]["runtime"]) == ("a", "memory", "local")
    assert "'nonsense' of context 'c'" in found["c"]["trouble"]
    assert om("contexts").exit_code == 0


# --- plugins and doctor


def test_plugins_are_listed_with_package_and_version() -> None:
    rows = {(row["kind"], row["name"]): row for row in om_json("plugins")}
    assert rows["storage", "embedded"]["package"] == "omcore"
    assert rows["storage", "embedded"]["version"] == "0.1.0"
    assert {row["state"] for row in rows.values() if row["package"] == "omcore"} == {"ok"}


def test_doctor_finds_nothing_wrong_with_the_defaults() -> None:
    rows = {row["check"]: row for row in om_json("doctor")}
    assert {row["state"] for name, row in rows.items() if not name.startswith("plugin ")} == {"ok"}
    assert "cancel:" in rows["runtime local"]["detail"]
    assert {"configuration", "storage embedded", "signing key", "workers"} <= rows.keys()


@pytest.mark.parametrize(
    ("text", "check", "says"),
    [
        ("storage = 'nowhere'", "storage nowhere", "no storage plugin is called 'nowhere'"),
        ("storage = { backend = 'memory', pth = 1 }", "storage memory", "option 'pth'"),
        ("runtime = 'nowhere'", "runtime nowhere", "no runtime plugin is called 'nowhere'"),
        ("signing_key = { env = 'NOT_SET_ANYWHERE' }", "signing key", "NOT_SET_ANYWHERE"),
        ("signing_key = 'short'", "signing key", "5 bytes"),
        ("promotion = { models = ['trainedd'] }", "promotion into models", "did you mean 'trained'?"),
    ],
)
def test_doctor_says_what_is_broken_and_looks_at_all_the_rest(text: str, check: str, says: str) -> None:
    write(f"[contexts.prod]\n{text}")
    rows = {row["check"]: row for row in om_json("doctor", code=1)}
    assert rows[check]["state"] == "broken"
    assert says in rows[check]["detail"]
    assert len([row for row in rows.values() if row["state"] == "ok"]) >= 2


def test_doctor_shows_a_plugin_in_quarantine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site" / "acme_ill-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ill\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[omcore.plugins]\nill = acme_ill_hooks\n")
    (tmp_path / "site" / "acme_ill_hooks.py").write_text("raise OSError('no tea')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    result = om("doctor", "--json")
    assert result.exit_code == 1
    [row] = [row for row in json.loads(result.stdout) if row["check"] == "plugin ill"]
    assert (row["state"], row["detail"]) == ("broken", "quarantined: OSError: no tea")
    assert "Traceback" not in result.stderr
    listed = {row["name"]: row["state"] for row in om_json("plugins")}
    assert listed["ill"] == "quarantined"
    monkeypatch.setenv("OMCORE__PLUGINS__DENY", '["acme-ill"]')
    assert om("doctor").exit_code == 0

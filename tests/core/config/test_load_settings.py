"""What is in force, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.config import ContextSettings, load_settings
from omcore.errors import ConfigurationError, ContextNotFoundError

DESIGN = """
default_context = "dev"

[contexts.dev]

[contexts.prod]
storage = { backend = "mongo", url = "mongodb://db/omega" }
runtime = { backend = "celery", broker = "redis://broker/0" }
signing_key = { env = "OM_SIGNING_KEY" }

[contexts.prod.labels]
gpu = { queue = "gpu-a100" }

[contexts.prod.promotion]
models = ["trained", { policy = "metric", name = "r2", at_least = 0.8 }]

[contexts.staging]
extends = "prod"
storage = { url = "mongodb://staging/omega" }

[contexts.laptop]
extends = "staging"
storage = { backend = "embedded" }
labels = { cpu = {} }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file above, a home without one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user" / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user" / "data"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "omcore.toml").write_text(DESIGN)
    return folder


def load(folder: Path, env: dict[str, str] | None = None, **arguments: Any) -> ContextSettings:
    return load_settings(folder=folder, env=env or {}, **arguments)


def origin(settings: ContextSettings, key: str) -> str:
    return {setting.key: setting.origin for setting in settings.settings({})}[key]


def write(folder: Path, text: str) -> Path:
    (folder / "omcore.toml").write_text(text)
    return folder


# --- files


def test_without_a_file_it_is_the_embedded_storage_and_the_local_runtime_in_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    settings = load(tmp_path)
    assert (settings.name, settings.file) == ("default", None)
    assert (settings.storage.backend, settings.storage.options) == ("embedded", {})
    assert (settings.runtime.backend, settings.runtime.options) == ("local", {})
    assert settings.home == tmp_path / "data" / "omcore" / "default"
    assert origin(settings, "storage.backend") == "default"


def test_the_nearest_file_upward_is_in_force_and_data_lies_beside_it(project: Path) -> None:
    below = project / "deep" / "down"
    below.mkdir(parents=True)
    settings = load(below)
    assert settings.file == project / "omcore.toml"
    assert settings.name == "dev"
    assert settings.home == project / ".omcore" / "dev"
    write(project / "deep", "[contexts.near]")
    assert load(below).name == "near"


def test_the_users_own_file_is_in_force_where_there_is_no_other(project: Path, tmp_path: Path) -> None:
    (tmp_path / "user" / "config" / "omcore").mkdir(parents=True)
    write(tmp_path / "user" / "config" / "omcore", "[contexts.mine]")
    settings = load(tmp_path)
    assert settings.name == "mine"
    assert settings.home == tmp_path / "user" / "data" / "omcore" / "mine"
    assert load(project).name == "dev"


def test_a_file_can_be_named_by_argument_and_by_the_environment(project: Path, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[contexts.a]")
    (tmp_path / "b.toml").write_text("[contexts.b]")
    assert load(project, {"OMCORE_CONFIG": str(tmp_path / "a.toml")}).name == "a"
    assert load(project, {"OMCORE_CONFIG": str(tmp_path / "a.toml")}, config=tmp_path / "b.toml").name == "b"
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml.*OMCORE_CONFIG.*does not exist"):
        load(project, {"OMCORE_CONFIG": "nowhere.toml"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[contexts.dev\n", "at line 1"),
        (b"a = 1\nb = = 2", "at line 2"),
        (b"\xff", "not UTF-8"),
        (b"a = " + b"[" * 100_000, "nested too deep"),
        (b"a = " + b"9" * 10_000, "not valid"),
        (b"default_contxt = 'dev'", "did you mean 'default_context'"),
        (b"storage = 'memory'", "belongs to a context"),
        (b"contexts = 3", "must hold tables"),
        (b"contexts = { dev = 3 }", "must hold tables"),
        (b"default_context = 3", "in quotes"),
        (b"[contexts.'../up']", "'../up'"),
        (b"[contexts.Dev]\n[contexts.dev]", "differ only in case"),
        (b"default_context = 'prd'\n[contexts.prod]\n[contexts.dev]", "did you mean 'prod'"),
        (b"[contexts.prod]\n[contexts.dev]", "names no default_context"),
        (b"[contexts.default]\nextends = 'prod'", "does not exist"),
        (b"[contexts.default]\nextends = 3", "extends must name one"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "omcore.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)
    assert says in str(caught.value)
    assert str(tmp_path / "omcore.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        load(tmp_path, config=tmp_path)


# --- contexts


def test_a_context_says_what_the_file_says(project: Path) -> None:
    settings = load(project, context="prod")
    assert settings.storage.backend == "mongo"
    assert settings.storage.options == {"url": "mongodb://db/omega"}
    assert settings.labels == {"gpu": {"queue": "gpu-a100"}}
    assert [(one.policy, one.options) for one in settings.promotion_of("models")] == [
        ("trained", {}),
        ("metric", {"name": "r2", "at_least": 0.8}),
    ]
    assert settings.promotion_of("datasets") == ()
    assert origin(settings, "storage.url") == f"{project / 'omcore.toml'}: contexts.prod.storage.url"
    assert "context 'prod'" in settings.storage.asked_by
    assert str(project / "omcore.toml") in settings.storage.asked_by


def test_a_context_extends_another_through_a_chain_and_keeps_its_options_with_its_backend(project: Path) -> None:
    staging = load(project, context="staging")
    assert staging.storage.options == {"url": "mongodb://staging/omega"}
    assert staging.storage.backend == "mongo"
    assert staging.runtime.options == {"broker": "redis://broker/0"}
    assert origin(staging, "storage.backend").endswith("contexts.prod.storage.backend")


def test_changing_the_backend_drops_the_options_of_the_other(project: Path) -> None:
    laptop = load(project, context="laptop")
    assert (laptop.storage.backend, laptop.storage.options) == ("embedded", {})
    assert laptop.labels == {"gpu": {"queue": "gpu-a100"}, "cpu": {}}
    changed = load(project, {"OMCORE__STORAGE": "memory"}, context="prod", runtime={"backend": "local", "workers": 1})
    assert (changed.storage.backend, changed.storage.options) == ("memory", {})
    assert (changed.runtime.backend, changed.runtime.options) == ("local", {"workers": 1})


def test_naming_the_same_backend_again_keeps_its_options(project: Path) -> None:
    settings = load(project, context="prod", storage={"backend": "mongo", "timeout": 3})
    assert settings.storage.options == {"url": "mongodb://db/omega", "timeout": 3}


def test_contexts_that_extend_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "[contexts.a]\nextends='b'\n[contexts.b]\nextends='c'\n[contexts.c]\nextends='b'")
    with pytest.raises(ConfigurationError, match="a -> b -> c -> b"):
        load(tmp_path, context="a")
    write(tmp_path, "[contexts.a]\nextends='a'")
    with pytest.raises(ConfigurationError, match="a -> a"):
        load(tmp_path)


def test_the_context_is_chosen_by_argument_then_environment_then_file(project: Path) -> None:
    assert load(project).name == "dev"
    assert load(project, {"OMCORE_CONTEXT": "prod"}).name == "prod"
    assert load(project, {"OMCORE_CONTEXT": "prod"}, context="staging").name == "staging"


def test_a_context_that_does_not_exist_is_refused_with_near_matches_and_who_asked(project: Path) -> None:
    with pytest.raises(ContextNotFoundError, match=r"'prd' does not exist; did you mean 'prod'\?"):
        load(project, context="prd")
    with pytest.raises(ContextNotFoundError, match="OMCORE_CONTEXT"):
        load(project, {"OMCORE_CONTEXT": "prd"})
    (project / "omcore.toml").unlink()
    with pytest.raises(ContextNotFoundError, match="om init"):
        load(project, context="prod")


def test_an_only_context_needs_no_default(tmp_path: Path) -> None:
    assert load(write(tmp_path, "[contexts.one]")).name == "one"
    assert load(write(tmp_path, "")).name == "default"
    assert load(write(tmp_path, "[contexts.default]\n[contexts.other]")).name == "default"


# --- environment and arguments


def test_the_environment_goes_over_the_file_and_arguments_go_over_the_environment(project: Path) -> None:
    env = {"OMCORE__STORAGE__URL": "mongodb://env", "OMCORE__STORAGE__POOL": "5", "OTHER": "x"}
    settings = load(project, env, context="prod", storage={"url": "mongodb://argument"})
    assert settings.storage.options == {"url": "mongodb://argument", "pool": "5"}
    assert origin(settings, "storage.pool") == "environment OMCORE__STORAGE__POOL"
    assert origin(settings, "storage.url") == "setup(storage=...)"


def test_an_environment_variable_may_hold_a_list_or_an_object(project: Path) -> None:
    env = {
        "OMCORE__PLUGINS__ALLOW": '["a", "b"]',
        "OMCORE__LABELS__GPU": '{"queue": "q"}',
        "OMCORE__TASKS__TIMEOUT": "2.5",
        "OMCORE__TASKS__WAIT": "true",
        "OMCORE__STORAGE__PASSWORD": "{not json",
    }
    settings = load(project, env)
    assert settings.plugins.allow == ("a", "b")
    assert settings.labels == {"gpu": {"queue": "q"}}
    assert (settings.tasks.timeout, settings.tasks.wait) == (2.5, True)
    assert settings.storage.options == {"password": "{not json"}


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"OMCORE__STORGE__URL": "x"}, r"did you mean 'storage'\?"),
        ({"OMCORE__TASKS__WAITT": "x"}, r"did you mean 'wait'\?"),
        ({"OMCORE__TASKS__WAIT": "perhaps"}, "valid boolean"),
        ({"OMCORE__TASKS__TIMEOUT": "-1"}, "greater than 0"),
        ({"OMCORE__TASKS": "x"}, "tasks"),
        ({"OMCORE__PLUGINS__ALLOW": "a"}, "valid tuple"),
        ({"OMCORE__SIGNING_KEY__ENVV": "a"}, "must be"),
        ({"OMCORE__PROMOTION__MODEL": "[]"}, r"did you mean 'models'\?"),
        ({"OMCORE__PROMOTION__MODELS": "trained"}, "must be a list"),
        ({"OMCORE__PROMOTION__MODELS": "[3]"}, "names no policy"),
        ({"OMCORE__PROMOTION": "[3]"}, "must be a table"),
        ({"OMCORE__STORAGE": "[3]"}, "must be a table"),
        ({"OMCORE__STORAGE__BACKEND": "[3]"}, "valid string"),
        ({"OMCORE__STORAGE__BACKEND": ""}, "at least 1"),
    ],
)
def test_a_variable_that_makes_no_sense_is_refused_by_its_name_and_context(
    project: Path, env: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        load(project, env)
    assert f"environment {next(iter(env))}" in str(caught.value)
    assert "context 'dev'" in str(caught.value)


@pytest.mark.parametrize(
    "env",
    [
        {"OMCORE__": "x"},
        {"OMCORE____URL": "x"},
        {"OMCORE__STORAGE__": "x"},
        {"OMCORE__STORAGE": "memory", "OMCORE__STORAGE__URL": "x"},
        {"OMCORE__A__B": "x", "OMCORE__A__B__C": "x"},
    ],
)
def test_variables_without_a_sense_of_their_own_are_refused(project: Path, env: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="the environment variable 'OMCORE__"):
        load(project, env)


def test_the_shorthands_of_setup_stand_for_the_two_sections(project: Path) -> None:
    settings = load(project, mongo_url="mongodb://h", celeryconf={"broker_url": "redis://", "Upper": 1})
    assert (settings.storage.backend, settings.storage.options) == ("mongo", {"url": "mongodb://h"})
    assert settings.runtime.backend == "celery"
    assert settings.runtime.options == {"celeryconf": {"broker_url": "redis://", "Upper": 1}}
    with pytest.raises(ConfigurationError, match="give one"):
        load(project, mongo_url="mongodb://h", storage={"backend": "memory"})


def test_a_value_that_no_file_could_hold_is_refused(project: Path) -> None:
    nest: dict[str, Any] = {}
    nest["itself"] = nest
    nest["filler"] = 1
    for value in (object(), nest, [nest], 1 << 64, b"bytes"):
        with pytest.raises(ConfigurationError, match=r"setup\(storage=\.\.\.\)"):
            load(project, storage={"option": value})


def test_dates_of_toml_are_refused_by_file_and_key(tmp_path: Path) -> None:
    write(tmp_path, "[contexts.dev.storage]\nsince = 2020-01-01")
    with pytest.raises(ConfigurationError, match=r"omcore\.toml: contexts\.dev\.storage\.since is date"):
        load(tmp_path)


# --- handing over


def test_settings_travel_as_bytes(project: Path) -> None:
    for context in ("dev", "prod", "staging", "laptop"):
        settings = load(project, context=context)
        assert ContextSettings.load(settings.dump()) == settings


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"form": 9}', b'{"form": 1, "name": "x"}'])
def test_bytes_that_are_no_settings_are_refused_without_a_trace_of_them(data: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ContextSettings.load(data)
    assert caught.value.__cause__ is caught.value.__context__ is None


names = st.text("abcxyz", min_size=1, max_size=3)
scalars = st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    scalars | st.lists(scalars, max_size=3), lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=8
)


@given(below=st.dictionaries(names, trees), above=st.dictionaries(names, trees))
def test_of_any_two_layers_the_upper_one_wins_key_by_key_and_all_of_it_travels(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    import json

    env = {f"OMCORE__STORAGE__{name.upper()}": json.dumps({"v": value}) for name, value in below.items()}
    settings = load_settings(folder=Path("/"), env=env, storage={name: {"v": value} for name, value in above.items()})
    assert settings.storage.options == _overlaid(
        {name: {"v": value} for name, value in below.items()}, {name: {"v": value} for name, value in above.items()}
    )
    assert ContextSettings.load(settings.dump()) == settings


def _overlaid(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _overlaid(below.get(key), value) for key, value in above.items()}}

"""Secrets come from where the configuration says, late, and are shown nowhere."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.config import ContextSettings, load_settings
from omcore.errors import ConfigurationError, OmError
from omcore.masking import MASK, is_secret_name, mask_text, mask_tree
from omcore.plugin import PluginHost

if TYPE_CHECKING:
    from pathlib import Path

CANARIES = [f"CANARY{number}xyz" for number in range(10)]

TOML = f"""
[contexts.prod]
storage = {{ backend = "mongo", url = "mongodb://user:{CANARIES[0]}@host/db", password = "{CANARIES[1]}" }}
runtime = {{ backend = "celery", broker = "redis://:{CANARIES[2]}@r/0", conf = {{ api_key = "{CANARIES[3]}" }} }}
signing_key = "{CANARIES[4]}"
trust = {{ keys = ["{CANARIES[5]}", {{ env = "TRUSTED" }}] }}

[contexts.prod.promotion]
models = [{{ policy = "web", url = "https://x/?token={CANARIES[6]}", headers = {{ Authorization = "{CANARIES[7]}" }} }}]
"""
ENV = {"OMCORE__STORAGE__TOKEN": CANARIES[8], "TRUSTED": CANARIES[9]}


@pytest.fixture
def settings(tmp_path: Path) -> ContextSettings:
    (tmp_path / "omcore.toml").write_text(TOML)
    return load_settings(folder=tmp_path, env=ENV)


def shown_by(thing: Any) -> str:
    """Everything that prints, logs and serialises for people make of a thing."""
    stream = io.StringIO()
    logger = logging.Logger("canary")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("%s %r", thing, thing)
    return f"{stream.getvalue()} {thing} {thing!r} {vars(thing)} {thing.model_dump()} {thing.model_dump_json()}"


def test_no_print_of_the_settings_shows_a_secret(settings: ContextSettings) -> None:
    things = [settings, settings.storage, settings.runtime, settings.trust, *settings.promotion_of("models")]
    text = " ".join(map(shown_by, things))
    assert [canary for canary in CANARIES if canary in text] == []


def test_what_om_config_lists_shows_no_secret_but_all_else(settings: ContextSettings) -> None:
    listed = {setting.key: setting.value for setting in settings.settings({})}
    assert [canary for canary in CANARIES if canary in str(listed)] == []
    assert listed["storage.url"] == "mongodb://user:***@host/db"
    assert listed["storage.password"] == MASK
    assert listed["trust.keys"] == [MASK, {"env": "TRUSTED"}]
    assert listed["promotion.models"][0]["policy"] == "web"


def test_a_value_that_is_shown_would_be_caught(settings: ContextSettings) -> None:
    assert CANARIES[0] in str(settings.storage.options)


def test_what_a_driver_declares_secret_is_hidden_whatever_its_name(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, env={}, storage={"backend": "x", "motto": "sesame", "place": "cave"})
    listed = {setting.key: setting.value for setting in settings.settings({"storage": {"motto"}})}
    assert (listed["storage.motto"], listed["storage.place"]) == (MASK, "cave")


def test_secrets_are_found_late_where_the_configuration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.txt").write_text("from a file\n")
    (tmp_path / "omcore.toml").write_text(
        """
        [contexts.prod]
        storage = { backend = "x", url = { env = "LATE" }, deep = { list = [{ file = "secret.txt" }] } }
        signing_key = { file = "secret.txt" }
        trust = { keys = [{ env = "LATE" }, "literal"] }
        """
    )
    settings = load_settings(folder=tmp_path, env={})
    for missing in (lambda: settings.storage.options, settings.accepted_secrets):
        with pytest.raises(ConfigurationError, match=r"context 'prod'.*'LATE', which is not set"):
            missing()
    monkeypatch.setenv("LATE", "from the environment")
    assert settings.storage.options == {"url": "from the environment", "deep": {"list": ["from a file"]}}
    assert settings.signing_secret() == b"from a file"
    assert settings.accepted_secrets() == [b"from the environment", b"literal"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * 70_000])
def test_a_secrets_file_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "secret.txt").write_bytes(content)
    (tmp_path / "omcore.toml").write_text("[contexts.prod]\nsigning_key = { file = 'secret.txt' }")
    with pytest.raises(ConfigurationError, match=r"signing_key of context 'prod'.*secret\.txt") as caught:
        load_settings(folder=tmp_path, env={}).signing_secret()
    assert "xxx" not in str(caught.value)


def test_an_option_that_is_called_env_or_file_is_no_indirection_by_itself(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, env={}, storage={"file": "a"}, runtime={"env": "b"})
    assert (settings.storage.options, settings.runtime.options) == ({"file": "a"}, {"env": "b"})


def test_a_worker_is_given_the_secrets_of_its_clients_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE_ONLY", "sesame")
    options = {"backend": "x", "url": {"env": "HERE_ONLY"}, "other": {"env": "NOWHERE"}}
    data = load_settings(folder=tmp_path, env={}, storage=options).dump()
    monkeypatch.delenv("HERE_ONLY")
    worker = ContextSettings.load(data)
    assert "sesame" not in repr(worker)
    with pytest.raises(ConfigurationError, match="NOWHERE"):
        _ = worker.storage.options
    monkeypatch.setenv("NOWHERE", "x")
    assert worker.storage.options["url"] == "sesame"


def test_settings_can_be_pickled_for_a_process_pool(settings: ContextSettings) -> None:
    assert pickle.loads(pickle.dumps(settings)) == settings


places = st.sampled_from(
    [
        "storage",
        "runtime",
        "labels",
        "promotion",
        "trust",
        "signing_key",
        "plugins",
        "tasks",
        "cache",
        "nonsense",
        "extends",
    ]
)
values = st.recursive(
    st.just(CANARIES[0]) | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["url", "types", "keys", "models", "wait"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def _backends(table: dict[str, Any]) -> dict[str, Any]:
    """A bare text names a backend, which is no secret."""
    return {name: "memory" for name in ("storage", "runtime") if isinstance(table.get(name), str)}


@given(table=st.dictionaries(places, values, max_size=4).map(lambda table: {**table, **_backends(table)}))
def test_no_error_of_a_configuration_quotes_a_value(table: dict[str, Any]) -> None:
    import json
    from pathlib import Path

    env = {
        f"OMCORE__{key.upper()}": value if isinstance(value, str) else json.dumps(value) for key, value in table.items()
    }
    host = PluginHost()
    try:
        settings = load_settings(folder=Path("/"), env=env)
        driver = host.storage_backend("memory")
        host.options(driver, settings.storage.options, settings.storage.asked_by, settings.storage.origins)
    except OmError as error:
        text = "".join(traceback.format_exception(error)) + repr(error.__context__)
    else:
        text = repr(settings)
    assert CANARIES[0] not in text


# --- masking


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mongodb://user:pass@host/db", "mongodb://user:***@host/db"),
        ("mongodb://user:p@ss/w@host/db", "mongodb://user:***@host/db"),
        ("redis://:pass@host:1/0", "redis://:***@host:1/0"),
        ("https://token@host/x", "https://***@host/x"),
        ("sentinel://:a@h1;sentinel://:b@h2", "sentinel://:***@h2"),
        ("cannot open amqp://u:p@h and more", "cannot open amqp://u:***@h and more"),
        ("https://h/x?user=u&token=abc&q=1", "https://h/x?user=u&token=***&q=1"),
        ("host=h password=abc dbname=d", "host=h password=*** dbname=d"),
        ("mongodb://host/db", "mongodb://host/db"),
        ("plain text, with: colon", "plain text, with: colon"),
    ],
)
def test_passwords_in_text_are_hidden(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize("name", ["password", "db_password", "apiKey", "API_KEY", "auth-token", "clientSecret", "dsn"])
def test_a_secrets_name_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["url", "broker", "path", "backend", "keyspace", "monkey", "tokenizer", "passive"])
def test_other_names_are_not_taken_for_a_secrets(name: str) -> None:
    assert not is_secret_name(name)


words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
secrets = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1).map("SECRET{}SECRET".format)


@given(scheme=st.sampled_from(["mongodb", "redis", "amqp", "https"]), user=words, secret=secrets, host=words)
def test_whatever_a_password_is_made_of_it_is_hidden(scheme: str, user: str, secret: str, host: str) -> None:
    masked = mask_text(f"{scheme}://{user}:{secret}@{host}/x")
    assert "SECRET" not in masked
    assert masked.startswith(f"{scheme}://")


def test_a_tree_is_masked_below_a_secret_name() -> None:
    tree = {"a": 1, "credentials": {"user": "u"}, "list": [{"token": "t"}, "redis://:p@h"], "key": None}
    assert mask_tree(tree) == {"a": 1, "credentials": MASK, "list": [{"token": MASK}, "redis://:***@h"], "key": None}

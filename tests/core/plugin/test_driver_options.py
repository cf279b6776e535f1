"""What a configuration says about a driver is checked before any connection, and never quoted."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from omcore.errors import ConfigurationError, OmError, PluginBrokenError
from omcore.plugin.host import PluginHost
from omcore.plugin.options import read_options, secret_options

WHERE = "storage of context 'prod' in /etc/omcore.toml"
CANARY = "CANARY-5f2a"


class Account(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    password: SecretStr


class Driver:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        url: str
        port: int = 1
        mode: Literal["a", "b"] = "a"
        token: SecretStr | None = None
        account: Account | None = None
        accounts: list[Account] = Field(default=[], alias="users")


class Loose:
    class Options(BaseModel):
        url: str = ""


class Open:
    class Options(BaseModel):
        model_config = ConfigDict(extra="allow")


class Quoting:
    class Options(BaseModel):
        url: str = ""
        password: str = ""
        token: SecretStr = SecretStr("")

        @field_validator("url")
        @classmethod
        def _refuse(cls, value: str) -> str:
            raise ValueError(f"cannot use {value}")

        @model_validator(mode="before")
        @classmethod
        def _refuse_all(cls, values: dict[str, Any]) -> dict[str, Any]:
            if values.get("password"):
                raise ValueError(f"cannot use {values!r}")
            return values


class Crashing:
    class Options(BaseModel):
        url: str = ""

        @field_validator("url")
        @classmethod
        def _crash(cls, value: str) -> str:
            raise LookupError(value)


def refusal(driver: type, **raw: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_options(driver, raw, WHERE, {"port": "environment OMCORE__STORAGE__PORT"})
    assert caught.value.__cause__ is caught.value.__context__ is None
    return str(caught.value)


def test_good_options_become_the_drivers_model() -> None:
    options = PluginHost().options(Driver, {"url": "x", "port": "5", "token": "t"}, WHERE)
    assert isinstance(options, Driver.Options)
    assert (options.url, options.port) == ("x", 5)


def test_a_missing_option_is_named_with_its_place() -> None:
    assert refusal(Driver).startswith(f"option 'url' of {WHERE} is missing")


@pytest.mark.parametrize("driver", [Driver, Loose])
def test_an_unknown_option_is_refused_with_the_near_match_even_where_the_model_would_ignore_it(driver: type) -> None:
    sentence = refusal(driver, uri="x")
    assert sentence.startswith(f"option 'uri' of {WHERE} is unknown; did you mean 'url'?")


def test_a_driver_that_allows_any_option_gets_any() -> None:
    assert read_options(Open, {"worker_prefetch": 1}, WHERE, {}).model_extra == {"worker_prefetch": 1}


def test_an_ill_typed_option_is_named_with_its_origin() -> None:
    sentence = refusal(Driver, url="x", port="many")
    assert "option 'port'" in sentence
    assert "set by environment OMCORE__STORAGE__PORT" in sentence
    assert "valid integer" in sentence
    assert "many" not in sentence


def test_an_option_within_an_option_is_named_by_its_path() -> None:
    assert "option 'account.nam'" in refusal(Driver, url="x", account={"nam": "x", "name": "y", "password": "p"})


def test_a_drivers_own_check_that_quotes_a_value_is_not_quoted() -> None:
    assert "CANARY" not in refusal(Quoting, url=CANARY)
    assert "CANARY" not in refusal(Quoting, password=CANARY)


def test_a_drivers_own_check_that_crashes_is_the_drivers_fault() -> None:
    with pytest.raises(PluginBrokenError) as caught:
        read_options(Crashing, {"url": CANARY}, WHERE, {})
    assert "LookupError" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_driver_without_options_model_is_broken() -> None:
    with pytest.raises(PluginBrokenError, match="Options"):
        read_options(type("Bare", (), {}), {}, WHERE, {})


def test_the_secret_options_of_a_driver_are_those_that_its_model_declares() -> None:
    assert secret_options(Driver) == {"token", "account", "accounts", "users"}
    assert secret_options(type("Bare", (), {})) == frozenset()


def error_of(driver: type, raw: dict[str, Any]) -> OmError | None:
    try:
        read_options(driver, raw, WHERE, {})
    except OmError as error:
        return error
    return None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
option_names = st.sampled_from(["url", "port", "mode", "token", "account", "users", "password", "uri"])


@given(driver=st.sampled_from([Driver, Loose, Quoting]), raw=st.dictionaries(option_names, json_values))
def test_whatever_is_configured_gives_options_or_one_sentence_without_a_value(
    driver: type, raw: dict[str, Any]
) -> None:
    error = error_of(driver, raw)
    if error is not None:
        assert CANARY not in str(error)
        assert "\n" not in str(error)
        assert WHERE in str(error)
        assert error.__cause__ is error.__context__ is None

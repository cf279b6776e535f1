"""Checks what a configuration says about a driver, before any connection is made."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, ValidationError

from omcore.errors import ConfigurationError, OmError, PluginBrokenError
from omcore.masking import MASK, is_secret_name, mask_text
from omcore.sentences import listed, near, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

SHORTEST_QUOTE = 4
"""Secrets shorter than this cannot be cut out of a text without spoiling it; the text is left out instead."""


def read_options(driver: type[Any], raw: Mapping[str, Any], where: str, origins: Mapping[str, str]) -> BaseModel:
    """Make a driver's options of what a configuration says.

    Args:
        driver: the driver's class, whose `Options` says what there may be.
        raw: the options, without the driver's name; secrets are plain text in here.
        where: which section of which file and context this is, for the errors.
        origins: for each option, by its dotted name, where it was set.

    Raises:
        ConfigurationError: an option is unknown, missing, or of the wrong type; names it, and quotes no value.
        PluginBrokenError: the driver has no `Options`, or its own check of them fails.
    """
    model = getattr(driver, "Options", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        message = f"{driver.__module__}.{driver.__qualname__} has no pydantic model called Options for {where}"
        raise PluginBrokenError(message)
    problem: OmError
    try:
        _refuse_unknown(model, raw, where, origins)
        return model.model_validate(dict(raw))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        problem = ConfigurationError("; ".join(_sentence(model, raw, one, where, origins) for one in details[:3]))
    except OmError as error:
        problem = error
    except Exception as error:  # noqa: BLE001 - a driver's own check may raise anything; its text may quote a secret
        problem = PluginBrokenError(f"the options of {where} cannot be checked, {_place(driver, error)}")
    # raised out here, so that no error that may quote a secret hangs on it as its cause or context
    raise problem


def secret_options(driver: type[Any]) -> frozenset[str]:
    """The names of a driver's options that hold secrets, as its model declares them."""
    model = getattr(driver, "Options", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return frozenset()
    secret = {name: field for name, field in model.model_fields.items() if _mentions_secret(field.annotation)}
    return frozenset(secret) | frozenset(field.alias for field in secret.values() if field.alias)


def _mentions_secret(annotation: Any) -> bool:
    if isinstance(annotation, type):
        if issubclass(annotation, SecretStr | SecretBytes | Secret):
            return True
        if issubclass(annotation, BaseModel):
            return any(_mentions_secret(field.annotation) for field in annotation.model_fields.values())
    return any(_mentions_secret(argument) for argument in get_args(annotation))


def _names(model: type[BaseModel]) -> frozenset[str]:
    fields = model.model_fields.items()
    return frozenset(name for name, _ in fields) | frozenset(field.alias for _, field in fields if field.alias)


def _refuse_unknown(model: type[BaseModel], raw: Mapping[str, Any], where: str, origins: Mapping[str, str]) -> None:
    """Refuse unknown options, also for a model that forgot to forbid them."""
    unknown = sorted(raw.keys() - _names(model))
    if unknown and model.model_config.get("extra") != "allow":
        known = _names(model)
        advice = f"{near(unknown[0], known)}it takes {listed(known, 'no options')}"
        raise ConfigurationError(f"{_option(unknown[0], where, origins)} is unknown; {advice}")


def _option(name: str, where: str, origins: Mapping[str, str]) -> str:
    outermost = name.partition(".")[0]
    origin = f", set by {origins[outermost]}," if outermost in origins else ""
    return f"option {one_line(name)!r} of {where}{origin}"


def _sentence(
    model: type[BaseModel], raw: Mapping[str, Any], error: ErrorDetails, where: str, origins: Mapping[str, str]
) -> str:
    name = ".".join(map(str, error["loc"]))
    subject = _option(name, where, origins) if name else where
    if error["type"] == "missing":
        return f"{subject} is missing; {listed(_names(model))} can be set"
    if error["type"] == "extra_forbidden":
        return f"{subject} is unknown"
    return f"{subject} is not right: {_safe(error, [*_secrets(model, raw), *_strings(error['input'])])}"


def _secrets(model: type[BaseModel], raw: Mapping[str, Any]) -> Iterator[str]:
    declared = secret_options(type("Driver", (), {"Options": model}))
    for name, value in raw.items():
        if name in declared or is_secret_name(name):
            yield from _strings(value)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _safe(error: ErrorDetails, secrets: list[str]) -> str:
    """What pydantic or the driver says about a value, without the value."""
    text = mask_text(error["msg"].removeprefix("Value error, "))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for quoted in (secret, repr(secret)[1:-1]):
            if quoted in text and len(quoted) < SHORTEST_QUOTE:
                return error["type"].replace("_", " ")
            text = text.replace(quoted, MASK)
    return one_line(text[:1].lower() + text[1:])


def _place(driver: type[Any], error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {driver.__module__}.{driver.__qualname__}.Options at {frames[-1].name}"

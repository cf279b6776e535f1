"""The layer that environment variables make: `OMCORE__STORAGE__URL=...` sets `storage.url`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from omcore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "OMCORE__"
SEPARATOR = "__"
CONTEXT_VARIABLE = "OMCORE_CONTEXT"


def read_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says about the context, as nested tables with lower-case keys.

    A value is text, unless it reads as a JSON list or object.

    Raises:
        ConfigurationError: a variable's name has an empty part, or two variables contradict each other.
    """
    tables: dict[str, Any] = {}
    for name in sorted(variable for variable in env if variable.startswith(PREFIX)):
        *parents, last = _parts(name)
        table = tables
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise _contradiction(name)
        if last in table:
            raise _contradiction(name)
        table[last] = _value(env[name])
    return tables


def variable(env: Mapping[str, str], path: tuple[str, ...]) -> str:
    """The variable that sets a key, be it alone or as part of a table."""
    names = (f"{PREFIX}{SEPARATOR.join(path[:length]).upper()}" for length in range(len(path), 0, -1))
    return f"environment {next((name for name in names if name in env), PREFIX + '...')}"


def _parts(name: str) -> list[str]:
    parts = name.removeprefix(PREFIX).lower().split(SEPARATOR)
    if not all(parts):
        message = f"the environment variable {name!r} has an empty part; write it like {PREFIX}STORAGE__URL"
        raise ConfigurationError(message)
    return parts


def _contradiction(name: str) -> ConfigurationError:
    message = f"the environment variable {name!r} sets what another one sets whole, or in part; keep one of them"
    return ConfigurationError(message)


def _value(text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a password may begin like this
        return text

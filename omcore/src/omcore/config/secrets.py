"""Secrets that a configuration names without holding them: `{ env = "NAME" }` and `{ file = "path" }`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import ConfigurationError
from omcore.masking import MASK, is_secret_name, mask_text
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Collection

LARGEST_SECRET = 1 << 16
"""Bytes that a secret's file may have."""


def is_indirect(value: Any) -> bool:
    """Say whether a value is `{ env = "NAME" }` or `{ file = "path" }` and nothing else."""
    return (
        isinstance(value, Mapping)
        and [*value] in (["env"], ["file"])
        and all(isinstance(item, str) for item in value.values())
    )


def absolute(value: Any, folder: Path) -> Any:
    """The value with the path of every secret's file made absolute."""
    if is_indirect(value) and "file" in value:
        return {"file": str(folder / _expanded(Path(value["file"])))}
    if isinstance(value, dict):
        return {key: absolute(item, folder) for key, item in value.items()}
    return [absolute(item, folder) for item in value] if isinstance(value, list) else value


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # nobody's home: whoever opens the file says so
        return path


def reveal(value: Any, what: str, env: Mapping[str, str] | None = None) -> Any:
    """The value with every indirection in it replaced by the secret it names.

    Args:
        value: JSON data.
        what: what the value is, for the error.
        env: the environment; `None` for this process's own.

    Raises:
        ConfigurationError: the variable is not set, or the file cannot be read.
    """
    if is_indirect(value):
        return _from_file(value["file"], what) if "file" in value else _from_environment(value["env"], what, env)
    if isinstance(value, Mapping):
        return {key: reveal(item, f"{key!r} of {what}", env) for key, item in value.items()}
    return [reveal(item, what, env) for item in value] if isinstance(value, list) else value


def reveal_where_possible(value: Any) -> Any:
    """Like `reveal`, but what cannot be found stays as it is, for an error where it is needed."""
    if is_indirect(value):
        try:
            return reveal(value, "")
        except ConfigurationError:
            return value
    if isinstance(value, Mapping):
        return {key: reveal_where_possible(item) for key, item in value.items()}
    return [reveal_where_possible(item) for item in value] if isinstance(value, list) else value


def _from_environment(name: str, what: str, env: Mapping[str, str] | None) -> str:
    found = (os.environ if env is None else env).get(name)
    if found is None:
        raise ConfigurationError(f"{what} is to be read from the environment variable {name!r}, which is not set")
    return found


def _from_file(name: str, what: str) -> str:
    try:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        text = content.decode()
    except (OSError, ValueError) as error:
        problem = reason(error) if isinstance(error, OSError) else "its name is no path, or it holds no UTF-8 text"
    else:
        if len(content) <= LARGEST_SECRET:
            return text.rstrip("\r\n")
        problem = f"it has more than {LARGEST_SECRET} bytes"
    raise ConfigurationError(f"{what} is to be read from the file {name!r}, which cannot be done: {problem}")


def shown(value: Any, name: str, secret: Collection[str] = ()) -> Any:
    """A value for people: secrets hidden, indirections as they are written.

    Args:
        value: JSON data.
        name: the name of the option; one that tells of a secret has its value hidden.
        secret: more names of options that hold secrets.
    """
    if is_indirect(value) or value is None:
        return value
    hidden = name in secret or is_secret_name(name)
    if isinstance(value, list):
        return [shown(item, name, secret) for item in value]
    if isinstance(value, Mapping):
        return {key: shown(item, name if hidden else str(key), secret) for key, item in value.items()}
    if hidden:
        return MASK
    return mask_text(value) if isinstance(value, str) else value

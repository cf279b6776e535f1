"""Finds `omcore.toml` and reads it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import ConfigurationError
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "omcore.toml"
FILE_VARIABLE = "OMCORE_CONFIG"
HOME_NAME = ".omcore"


def find_file(file: str | Path | None, env: Mapping[str, str], folder: Path) -> Path | None:
    """The file that is in force: the one that is named, or else the nearest upward, or else the user's own.

    Raises:
        ConfigurationError: the file that is named does not exist.
    """
    named = file if file is not None else env.get(FILE_VARIABLE) or None
    if named is None:
        places = [*(parent / FILE_NAME for parent in (folder, *folder.parents)), user_file()]
        return next((place for place in places if _is_file(place)), None)
    path = folder / named
    if not _is_file(path):
        who = "" if file is not None else f", which the environment variable {FILE_VARIABLE} names,"
        mend = "make one with 'om init', or name another"
        raise ConfigurationError(f"the configuration file {one_line(str(path))!r}{who} does not exist; {mend}")
    return path


def user_file() -> Path:
    """Where the user's own file would be."""
    import platformdirs

    return platformdirs.user_config_path("omcore", appauthor=False) / FILE_NAME


def home_of(context: str, file: Path | None) -> Path:
    """The folder for a context's local data: beside the file of a project, else among the user's data."""
    if file is not None and file != user_file():
        return file.parent / HOME_NAME / context
    import platformdirs

    return platformdirs.user_data_path("omcore", appauthor=False) / context


def place_of(context: str, file: Path | None) -> str:
    """A context and its file, for sentences."""
    return f"context {context!r} in {file}" if file is not None else f"context {context!r} (no {FILE_NAME})"


def working_folder() -> Path:
    """The working directory.

    Raises:
        ConfigurationError: it does not exist any more.
    """
    try:
        return Path.cwd()
    except OSError as error:
        message = f"the working directory cannot be used ({reason(error)}); change to another"
        raise ConfigurationError(message) from error


def environment() -> Mapping[str, str]:
    """This process's environment."""
    return os.environ


def read_file(path: Path) -> dict[str, Any]:
    """The tables of a file.

    Raises:
        ConfigurationError: it cannot be read, or is no TOML; names the line.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        problem = f"cannot be read: {reason(error)}"
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text (byte {error.start})"
    except ValueError as error:
        problem = f"is not valid TOML: {one_line(str(error))}"
    except RecursionError:
        problem = "is not valid: it is nested too deep"
    raise ConfigurationError(f"{path} {problem}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no permission to look, or a name that is no path
        return False

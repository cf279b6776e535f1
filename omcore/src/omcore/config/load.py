"""From files, environment and arguments to the settings of one context."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from omcore.config.contexts import read_config
from omcore.config.environment import read_environment, variable
from omcore.config.files import environment, find_file, home_of, working_folder
from omcore.config.settings import ContextSettings
from omcore.config.tree import DEFAULTS, grow, leaves, merge
from omcore.config.validation import build
from omcore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from omcore.config.contexts import ConfigFile
    from omcore.config.tree import KeyPath

SHORTHANDS = {"mongo_url": ("storage", "mongo", "url"), "celeryconf": ("runtime", "celery", "celeryconf")}
"""Arguments of `setup` that stand for a backend and one of its options."""


def load_settings(
    config: str | Path | None = None,
    *,
    context: str | None = None,
    storage: Mapping[str, Any] | str | None = None,
    runtime: Mapping[str, Any] | str | None = None,
    mongo_url: str | None = None,
    celeryconf: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> ContextSettings:
    """Say what is in force: the defaults, under the file, under the environment, under these arguments.

    Args:
        config: the file; `None` for the one that `OMCORE_CONFIG` names, then the nearest `omcore.toml` upward, then
            the user's own.
        context: the name of a context; `None` for the one that `OMCORE_CONTEXT` names, then the file's default.
        storage: options of the storage, or the name of a storage backend.
        runtime: options of the runtime, or the name of a runtime backend.
        mongo_url: short for `storage={"backend": "mongo", "url": ...}`.
        celeryconf: short for `runtime={"backend": "celery", "celeryconf": ...}`.
        env: the environment; `None` for this process's own.
        folder: where the search for the file begins; `None` for the working directory.

    Raises:
        ConfigurationError: the configuration makes no sense; names file, context and key.
        ContextNotFoundError: there is no such context.
    """
    env = environment() if env is None else env
    folder = working_folder() if folder is None else folder
    file = load_file(config, env=env, folder=folder)
    name = file.choose(context, env)
    arguments = {"storage": storage, "runtime": runtime, "mongo_url": mongo_url, "celeryconf": celeryconf}
    tree = grow(DEFAULTS, lambda _: "default", folder)
    tree = merge(tree, file.tree(name))
    tree = merge(tree, grow(read_environment(env), partial(variable, env), folder))
    for argument, table in _spelt_out(arguments):
        tree = merge(tree, grow(table, partial(_argument, argument), folder))
    found = [(path, leaf.value, leaf.origin) for path, leaf in leaves(tree)]
    return build(ContextSettings, name, file.path, home_of(name, file.path), found)


def load_file(
    config: str | Path | None = None, *, env: Mapping[str, str] | None = None, folder: Path | None = None
) -> ConfigFile:
    """Read the file that is in force; its arguments, and what it raises, are those of `load_settings`."""
    env = environment() if env is None else env
    folder = working_folder() if folder is None else folder
    return read_config(find_file(config, env, folder))


def _argument(name: str, path: KeyPath) -> str:  # noqa: ARG001 - an argument is one place, whatever is in it
    return f"setup({name}=...)"


def _spelt_out(arguments: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The arguments that were given, shorthands as the sections they stand for, and first."""
    tables = []
    for name, (section, backend, option) in SHORTHANDS.items():
        if arguments[name] is not None:
            _check_backend(name, backend, section, arguments[section])
            tables.append((name, {section: {"backend": backend, option: arguments[name]}}))
    return tables + [(name, {name: arguments[name]}) for name in ("storage", "runtime") if arguments[name] is not None]


def _check_backend(shorthand: str, backend: str, section: str, table: Any) -> None:
    other = table if isinstance(table, str) else (table or {}).get("backend", backend)
    if other != backend:
        raise ConfigurationError(
            f"setup() was given {shorthand}, which means the {section} backend {backend!r}, and {section} with the "
            f"backend {other!r}; give one of them"
        )

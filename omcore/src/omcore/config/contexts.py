"""Chooses a context of a file, and puts together what it and the contexts it extends say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.config.environment import CONTEXT_VARIABLE
from omcore.config.files import FILE_NAME, read_file
from omcore.config.tree import DEFAULTS, grow, merge
from omcore.errors import ConfigurationError, ContextNotFoundError, InvalidNameError
from omcore.objects.names import check_plain
from omcore.sentences import listed, near, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omcore.config.tree import Tree

UNNAMED = "default"
"""The context that exists where no file names one."""

_TOP = ("default_context", "contexts")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that was read, or none.

    Attributes:
        path: where it is; `None` where there is no file.
        default: the context it names as its default, or empty.
        contexts: what it says about each context.
    """

    path: Path | None = None
    default: str = ""
    contexts: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {UNNAMED: {}})

    def __str__(self) -> str:
        return str(self.path) if self.path else f"no {FILE_NAME}"

    def choose(self, name: str | None, env: Mapping[str, str]) -> str:
        """The context that is asked for, by a call, by the environment, or by the file.

        Raises:
            ContextNotFoundError: there is no such context; says who asked.
            ConfigurationError: nobody said which of several.
        """
        if name is not None:
            return self._existing(name, "")
        if env.get(CONTEXT_VARIABLE):
            return self._existing(env[CONTEXT_VARIABLE], f", which the environment variable {CONTEXT_VARIABLE} names,")
        return self.default_name()

    def default_name(self) -> str:
        """The context that is used when nobody names one.

        Raises:
            ContextNotFoundError: the file names one that it does not define.
            ConfigurationError: the file defines several and names none.
        """
        if self.default:
            return self._existing(self.default, ", which default_context names,")
        if UNNAMED in self.contexts or len(self.contexts) == 1:
            return UNNAMED if UNNAMED in self.contexts else next(iter(self.contexts))
        mend = f"add default_context = {next(iter(self.contexts))!r}"
        raise ConfigurationError(f"{self} defines {listed(self.contexts)} and names no default_context; {mend}")

    def _existing(self, name: str, who: str) -> str:
        if name in self.contexts:
            return name
        advice = near(name, self.contexts)
        if self.path is None:
            there = f"there is no {FILE_NAME} here or above; write one with 'om init'"
        else:
            there = f"{self} defines {listed(self.contexts)}"
        raise ContextNotFoundError(f"the context {one_line(name)!r}{who} does not exist; {advice}{there}")

    def tree(self, name: str) -> Tree:
        """What the file says about a context, on top of the contexts it extends.

        Raises:
            ConfigurationError: the contexts extend each other in a circle.
            ContextNotFoundError: one of them does not exist.
        """
        tree: Tree = {}
        for one in reversed(self._chain(name)):
            tree = merge(tree, self._own_tree(one))
        return tree

    def _own_tree(self, name: str) -> Tree:
        table = {key: value for key, value in self.contexts[name].items() if key != "extends"}
        place = f"{self}: contexts.{name}"
        folder = self.path.parent if self.path else Path()
        return grow(table, lambda path: f"{place}.{'.'.join(path)}", folder)

    def _chain(self, name: str) -> Sequence[str]:
        """The context and those it extends, nearest first."""
        chain = [name]
        while (parent := self.contexts[chain[-1]].get("extends")) is not None:
            if not isinstance(parent, str):
                raise ConfigurationError(f"{self}: contexts.{chain[-1]}.extends must name one context")
            chain.append(self._existing(parent, f", which contexts.{chain[-1]}.extends names,"))
            if parent in chain[:-1]:
                circle = " -> ".join(chain)
                raise ConfigurationError(f"{self}: the contexts extend each other in a circle, {circle}; cut it")
        return chain


def read_config(path: Path | None) -> ConfigFile:
    """Read a file and check its outermost keys.

    Raises:
        ConfigurationError: it cannot be read, or a key is unknown or of the wrong type; names file and key.
    """
    if path is None:
        return ConfigFile()
    tables = read_file(path)
    _check_keys(tables, path)
    contexts = tables.get("contexts", {UNNAMED: {}})
    default = tables.get("default_context", "")
    if not (isinstance(contexts, dict) and all(isinstance(table, dict) for table in contexts.values())):
        raise ConfigurationError(f"{path}: 'contexts' must hold tables; write [contexts.dev] and so on")
    if not isinstance(default, str):
        raise ConfigurationError(f"{path}: 'default_context' must be the name of a context, in quotes")
    _check_names(contexts, path)
    return ConfigFile(path, default, contexts or {UNNAMED: {}})


def _check_keys(tables: Mapping[str, Any], path: Path) -> None:
    for key in tables:
        if key in DEFAULTS or key == "extends":
            raise ConfigurationError(f"{path}: {key!r} belongs to a context; write it below [contexts.{UNNAMED}]")
        if key not in _TOP:
            advice = f"{near(key, _TOP)}the keys of a file are {listed(_TOP)}"
            raise ConfigurationError(f"{path}: the key {one_line(key)!r} is unknown; {advice}")


def _check_names(contexts: Mapping[str, Any], path: Path) -> None:
    """A context's name becomes that of a folder."""
    folded: dict[str, str] = {}
    for name in contexts:
        try:
            check_plain(name, "a context")
        except InvalidNameError as error:
            raise ConfigurationError(f"{path}: {error}") from error
        if name.lower() in folded:
            other = folded[name.lower()]
            raise ConfigurationError(f"{path}: the contexts {other!r} and {name!r} differ only in case; rename one")
        folded[name.lower()] = name

"""Layers of configuration: nested tables whose leaves know where they were set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import SecretStr

from omcore.config.secrets import absolute, is_indirect
from omcore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECTIONS = ("storage", "runtime")
"""The tables that name a backend; the options in them are that backend's."""

DEEPEST = 32
"""How deep tables and lists may be nested."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value, and where it was set."""

    value: Any
    origin: str


Tree: TypeAlias = dict[str, "Tree | Leaf"]
KeyPath: TypeAlias = tuple[str, ...]

LARGEST_INTEGER = 1 << 63

DEFAULTS: Mapping[str, Any] = {
    "storage": {"backend": "embedded"},
    "runtime": {"backend": "local"},
    "labels": {},
    "promotion": {},
    "trust": {"types": [], "keys": []},
    "signing_key": None,
    "cache": "10GiB",
    "plugins": {"allow": None, "deny": []},
    "tasks": {
        "wait": False,
        "keep": 30.0,
        "bar": True,
        "timeout": None,
        "start_timeout": 86_400.0,
        "total_timeout": None,
        "heartbeat": 30.0,
        "retry": {"times": 0, "delay": 1.0, "factor": 2.0, "longest": 60.0, "on": ["builtins.Exception"]},
        "deliveries": 3,
        "memory": None,
        "environment": "warn",
    },
}
"""What holds where nothing else is said; its keys are all the keys of a context besides `extends`."""


def grow(table: Mapping[str, Any], origin: Callable[[KeyPath], str], folder: Path) -> Tree:
    """Make a tree of what one layer says about a context.

    Args:
        table: nested tables.
        origin: says where the value at a path was set.
        folder: what a relative path of a secret's file is relative to.

    Raises:
        ConfigurationError: a value is of a type that no configuration has, or nested too deep.
    """
    spelt_out = {key: _spell_out(key, value) for key, value in table.items()}
    return {str(key): _grow(value, (str(key),), origin, folder) for key, value in spelt_out.items()}


def _spell_out(key: str, value: Any) -> Any:
    """`storage = "memory"` is short for `storage = { backend = "memory" }`."""
    return {"backend": value} if key in SECTIONS and isinstance(value, str) else value


def _grow(value: Any, path: KeyPath, origin: Callable[[KeyPath], str], folder: Path) -> Tree | Leaf:
    if isinstance(value, Mapping) and value and not (is_indirect(value) and _may_be_secret(path)):
        _check_depth(path, origin)
        return {str(key): _grow(item, (*path, str(key)), origin, folder) for key, item in value.items()}
    return Leaf(absolute(_plain(value, path, origin), folder), origin(path))


def _may_be_secret(path: KeyPath) -> bool:
    """Whether `{ env = "NAME" }` at this place stands for a secret; a section itself may have an option called so."""
    return path == ("signing_key",) or (len(path) > 1 and path[0] in SECTIONS)


def _plain(value: Any, path: KeyPath, origin: Callable[[KeyPath], str]) -> Any:
    """The value as JSON data."""
    _check_depth(path, origin)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, (*path, str(key)), origin) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, (*path, str(index)), origin) for index, item in enumerate(value)]
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        raise ConfigurationError(f"{origin(path)} is an integer of more than 64 bits; write it as text")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ConfigurationError(
        f"{origin(path)} is {type(value).__name__}, which no configuration holds; write it as text or as a number"
    )


def _check_depth(path: KeyPath, origin: Callable[[KeyPath], str]) -> None:
    if len(path) > DEEPEST:
        raise ConfigurationError(f"{origin(path[:3])} is nested more than {DEEPEST} deep; make it flatter")


def merge(base: Tree, over: Tree) -> Tree:
    """Lay one layer over another: tables are merged, anything else is replaced.

    A section that names another backend than the one below replaces that section whole: its options were the other
    backend's.
    """
    replaced = [key for key in SECTIONS if _changes_backend(base.get(key), over.get(key))]
    return _merge({key: {} if key in replaced else node for key, node in base.items()}, over)


def _merge(base: Tree, over: Tree) -> Tree:
    merged = dict(base)
    for key, node in over.items():
        below, above = _table(merged.get(key)), _table(node)
        merged[key] = _merge(below, above) if below and above is not None else node
    return merged


def _changes_backend(below: Tree | Leaf | None, above: Tree | Leaf | None) -> bool:
    before, after = (_table(below) or {}).get("backend"), (_table(above) or {}).get("backend")
    return isinstance(after, Leaf) and not (isinstance(before, Leaf) and before.value == after.value)


def _table(node: Tree | Leaf | None) -> Tree | None:
    """The node as a table, if it is one; an empty table is a leaf, so that it is not lost."""
    if isinstance(node, Leaf):
        return {} if node.value == {} else None
    return node


def leaves(tree: Tree, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Leaf]]:
    """Every leaf with its path, in order."""
    for key, node in tree.items():
        if isinstance(node, dict):
            yield from leaves(node, (*path, key))
        else:
            yield (*path, key), node


def tables(found: Iterable[tuple[KeyPath, Any]]) -> dict[str, Any]:
    """The nested tables that values at paths make."""
    outermost: dict[str, Any] = {}
    for path, value in found:
        table = outermost
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
    return outermost

"""Contexts for the kit: an embedded storage, a runtime, and trust in the kit's own estimator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import omcore
from omcore.testing.acting import ACTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from omcore.omega import Omega

OpenContext: TypeAlias = "Callable[[Path, Sequence[frozenset[str]]], AbstractContextManager[Omega]]"
"""Opens a context in a folder, with one worker for each set of labels."""


def task_context(folder: Path, runtime: Mapping[str, Any]) -> Omega:
    """Write the configuration of a context to `omcore.toml` in a folder, and open it.

    Args:
        folder: where the configuration and the storage are.
        runtime: what the configuration says about the runtime: `{"backend": ..., **options}`.
    """
    path = folder / "omcore.toml"
    path.write_text(
        "default_context = 'kit'\n"
        "[contexts.kit]\n"
        'storage = { backend = "embedded", durability = "process" }\n'
        f"runtime = {_toml(runtime)}\n"
        f"trust = {_toml({'types': [ACTOR]})}\n"
        "labels = { gpu = {} }\n"  # in the vocabulary, and meaning itself; `big` means itself without that
        "tasks = { bar = false }\n"
    )
    return omcore.setup(config=path)


def _toml(value: Any) -> str:
    """A value as TOML writes it: as JSON, but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)

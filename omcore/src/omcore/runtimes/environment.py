"""Whether a model meets here the libraries that it was fitted with.

scikit-learn asks to keep, beside a model, the versions of scikit-learn, of what it depends on and of Python, and
warns that a model may fail or answer differently with others: "Security & Maintainability Limitations", in
https://scikit-learn.org/stable/model_persistence.html.
"""

from __future__ import annotations

import platform
import re
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "unknown"
"""Stands for a version that is missing, or that cannot be read."""


class _Rule(NamedTuple):
    numbers: int
    reason: str


RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "python": _Rule(2, "a minor version may change the bytecode, the pickles and the modules of the library"),
        "scikit-learn": _Rule(2, "loading a model with another version than it was saved with is not supported"),
        "numpy": _Rule(1, "2.0 moved modules that pickled arrays name, and changed how types are promoted"),
        "pandas": _Rule(1, "3.0 changed what text columns are, and copies of frames"),
    }
)
"""For each library how many numbers of its version must be the same, and why."""

_RELEASE = re.compile(r"\s*v?(?:[0-9]{1,9}!)?(?P<release>[0-9]{1,9}(?:\.[0-9]{1,9})*)(?![0-9])", re.ASCII)
_LONGEST = 40


@cache
def here() -> Mapping[str, str]:
    """The versions of Python and the libraries in this process's environment; imports none of them.

    Returns:
        For each key of `RULES` the version; `"unknown"` for what is not installed.
    """
    libraries = {name: _installed(name) for name in RULES if name != "python"}
    return MappingProxyType({"python": platform.python_version(), **libraries})


def _installed(name: str) -> str:
    try:
        return metadata.version(name) or UNKNOWN
    except metadata.PackageNotFoundError:
        return UNKNOWN


def mismatches(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Where two environments differ so that a model may not work, each as `scikit-learn 1.5.2 at fit, 1.7.0 here`.

    A version that is missing or cannot be read may differ, so it is reported.

    Args:
        recorded: the versions at fit, as `here` gave them.
        found: the versions now.
    """
    pairs = {name: (_shown(recorded, name), _shown(found, name)) for name in RULES}
    return [
        f"{name} {before} at fit, {now} here"
        for name, (before, now) in pairs.items()
        if UNKNOWN in {before, now} or _release(before, name) != _release(now, name)
    ]


def _shown(versions: Mapping[str, str], name: str) -> str:
    """A version in a form that fits into a sentence."""
    version = versions.get(name)
    known = isinstance(version, str) and version.isascii() and _RELEASE.match(version)
    return one_line(version, _LONGEST) if version is not None and known else UNKNOWN


def _release(version: str, name: str) -> tuple[int, ...]:
    """The numbers of a version that count; a number that is left out is 0."""
    found = _RELEASE.match(version)
    numbers = [int(number) for number in found["release"].split(".")] if found else []
    return (*numbers, 0, 0)[: RULES[name].numbers]

"""What the object stores tell plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Putting:
    """An object is about to be stored.

    Attributes:
        context: the context's name.
        bucket: the bucket's name.
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's name.
        kind: the kind that the value will be stored as.
        attributes: what was given as attributes.
        value: the value itself; not to be changed.
    """

    context: str
    bucket: str
    store: str
    name: str
    kind: str
    attributes: Mapping[str, Any]
    value: Any


@dataclass(frozen=True, slots=True)
class Stored:
    """A version was stored and is the current one.

    Attributes:
        context: the context's name.
        bucket: the bucket's name.
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's name.
        version: the number of the new version.
        kind: its kind.
        size: bytes of its parts together.
    """

    context: str
    bucket: str
    store: str
    name: str
    version: int
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """An object was dropped.

    Attributes:
        context: the context's name.
        bucket: the bucket's name.
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's name.
    """

    context: str
    bucket: str
    store: str
    name: str

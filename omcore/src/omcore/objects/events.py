"""What the object stores tell plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.versions import Version


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
        value: the value itself, not to be changed; of what workers wrote in pieces, a `PartedObject` that reads it.
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

    @classmethod
    def of(cls, context: str, bucket: str, version: Version) -> Self:
        """The event of a version that was stored there."""
        content = version.content
        return cls(context, bucket, version.store, version.name, version.number, content.kind, content.size)


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


class StoreEvents(Protocol):
    """Whom the stores tell; the plugin host is one."""

    def veto_put(self, event: Putting) -> None:
        """An object is about to be stored; raises to stop it."""
        ...

    def tell_put(self, event: Stored) -> None:
        """A version was stored."""
        ...

    def tell_drop(self, event: Dropped) -> None:
        """An object was dropped."""
        ...

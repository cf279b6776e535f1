"""A put in two steps, for those who commit it together with other changes: a draft, then a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.codecs.base import Content
    from omcore.objects.versions import Head, Version
    from omcore.storage.backend import Change


@dataclass(frozen=True, slots=True)
class Draft:
    """Content whose bytes are in the storage, and all that is to be said about it; no record was touched yet.

    Attributes:
        name: the object's canonical name.
        content: what a codec wrote.
        attributes: the new version's attributes; `None` to keep those of the current version.
        provenance: how it came to be, as JSON.
        action: what the history calls it: `put`, `append`, `fit`, `promote`.
        why: a sentence for the history; may be empty.
        author: `user@host`.
        expected: the version that must be the current one, 0 for none; `None` to take what comes.
        base: the version that `content` extends, 0 for none; `None` where it extends nothing.
        vouch: sign the version; `False` for content of an origin that nobody vouches for.
    """

    name: str
    content: Content
    attributes: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    action: str = "put"
    why: str = ""
    author: str = ""
    expected: int | None = None
    base: int | None = None
    vouch: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What to commit so that a draft is the current version.

    Attributes:
        version: the version it becomes, numbered and signed.
        head: the head as it will be.
        changes: commit these, all or none; a `ConflictError` means that the head moved: plan again.
    """

    version: Version
    head: Head
    changes: tuple[Change, ...]

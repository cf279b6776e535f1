"""How a head moves: each move gives a new head, and at times a page of history that grew too old to stay in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from omcore.objects.versions import Head, HistoryEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.versions import Version

INLINE = 20
"""How many moves a head keeps; the record of a head is read by every call, so it stays small."""


@dataclass(frozen=True, slots=True)
class Move:
    """Why a pointer moves.

    Attributes:
        action: as in `HistoryEntry`.
        who: `user@host`.
        why: a sentence, or the alias for `tag` and `untag`.
    """

    action: str
    who: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move made.

    Attributes:
        head: the new head.
        spilled: moves that left the head, to be kept as a page of their own, numbered `head.pages - 1`.
    """

    head: Head
    spilled: tuple[HistoryEntry, ...] = ()


def published(head: Head | None, version: Version, move: Move) -> Moved:
    """A new version is the current one."""
    old = head or unborn(version)
    return _moved(old, move, {**_mirror(version), "latest": version.number})


def pointed(head: Head, version: Version, move: Move) -> Moved:
    """An existing version is the current one."""
    return _moved(head, move, _mirror(version))


def dropped(head: Head, move: Move) -> Moved:
    """No version is current, and nothing has an alias; the numbers and the history stay."""
    nothing: dict[str, Any] = {"schema": {}, "provenance": {}, "created": "", "author": "", "signed_by": ""}
    empty: dict[str, Any] = {
        "current": None,
        "id": "",
        "kind": "",
        "size": 0,
        "rows": None,
        "attributes": {},
        "aliases": {},
    }
    return _moved(head, move, {**empty, **nothing})


def aliased(head: Head, alias: str, number: int | None, move: Move) -> Moved:
    """An alias points at version `number`, or at nothing for `None`."""
    others = {name: at for name, at in head.aliases.items() if name != alias}
    return _moved(head, move, {"aliases": others if number is None else {**others, alias: number}})


def noted(head: Head, move: Move) -> Moved:
    """Nothing moved, but the history says what happened."""
    return _moved(head, move, {})


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def unborn(version: Version) -> Head:
    """The head of an object that has nothing yet."""
    nothing: dict[str, Any] = {"id": "", "kind": "", "size": 0, "rows": None, "attributes": {}, "modified": ""}
    return Head(store=version.store, name=version.name, current=None, latest=0, **nothing)


def _mirror(version: Version) -> dict[str, Any]:
    """What a head tells of its current version, so that nobody has to read the version for it."""
    return {
        "current": version.number,
        "id": version.id,
        "kind": version.kind,
        "size": version.content.size,
        "rows": version.content.rows,
        "attributes": version.attributes,
        "schema": version.content.schema,
        "provenance": version.provenance,
        "created": version.created,
        "author": version.author,
        "signed_by": version.signature.get("key", ""),
    }


def _moved(head: Head, move: Move, changes: Mapping[str, Any]) -> Moved:
    when = now()
    after = changes.get("current", head.current)
    entry = HistoryEntry(when, move.who, move.action, head.current, after, move.why)
    spilled = head.history if len(head.history) >= INLINE else ()
    history = (entry,) if spilled else (*head.history, entry)
    pages = head.pages + bool(spilled)
    return Moved(replace(head, modified=when, history=history, pages=pages, **changes), spilled)

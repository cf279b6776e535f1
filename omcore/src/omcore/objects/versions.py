"""What the stores keep of an object: versions that never change, and the head that points at them.

These are values; how they become records is said by `to_body` and `from_body` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from omcore.errors import CorruptRecordError
from omcore.objects.codecs.base import Content, Part

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from omcore.storage.backend import Body

SCHEMA = 1
"""The form of the records; a reader refuses a higher one."""


@dataclass(frozen=True, slots=True)
class Version:
    """An immutable, numbered state of an object.

    Attributes:
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's canonical name.
        number: counts from 1; a number is never used twice for one name, not even after a drop.
        content: kind, parts, schema and details.
        attributes: what the user said about it, as JSON.
        provenance: how it came to be, as JSON: `{"task": ..., "action": ..., "inputs": [...], "promoted_from": ...}`.
        created: when, ISO 8601 in UTC.
        author: who, as `user@host`.
        id: the digest of all of the above: what caches are keyed by.
        signature: who vouches for it: `{"key": id, "mac": hex}`, or empty.
    """

    store: str
    name: str
    number: int
    content: Content
    attributes: Mapping[str, Any]
    provenance: Mapping[str, Any]
    created: str
    author: str
    id: str = ""
    signature: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of the content."""
        return self.content.kind

    def to_body(self) -> Body:
        """The version as the body of a record."""
        content = self.content
        return {
            "schema_version": SCHEMA,
            "store": self.store,
            "name": self.name,
            "number": self.number,
            "kind": content.kind,
            "parts": [_fields(part) for part in content.parts],
            "schema": dict(content.schema),
            "details": dict(content.details),
            "rows": content.rows,
            "attributes": dict(self.attributes),
            "provenance": dict(self.provenance),
            "created": self.created,
            "author": self.author,
            "id": self.id,
            "signature": dict(self.signature),
            "blobs": sorted({part.digest for part in content.parts}),
        }

    @classmethod
    def from_body(cls, body: Body) -> Self:
        """Read a version from the body of its record.

        Raises:
            CorruptRecordError: it does not have that form, or was written by a newer release.
        """
        check_schema(body)
        try:
            parts = tuple(Part(**part) for part in body["parts"])
            content = Content(body["kind"], parts, body["schema"], body["details"], body["rows"])
            return cls(
                store=body["store"],
                name=body["name"],
                number=body["number"],
                content=content,
                attributes=body["attributes"],
                provenance=body["provenance"],
                created=body["created"],
                author=body["author"],
                id=body["id"],
                signature=body["signature"],
            )
        except (KeyError, TypeError) as error:
            message = f"a version record does not have the form of one ({error}); restore the storage from a backup"
            raise CorruptRecordError(message) from error


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One move of an object's pointer.

    Attributes:
        when: ISO 8601 in UTC.
        who: `user@host`.
        action: `put`, `append`, `fit`, `promote`, `rollback`, `tag`, `untag`, `drop`, `purge`.
        before: the current version until then; `None` for none.
        after: the current version since then; `None` after a drop.
        why: a sentence, or the alias for `tag` and `untag`; may be empty.
    """

    when: str
    who: str
    action: str
    before: int | None
    after: int | None
    why: str = ""

    def to_body(self) -> Body:
        """The move as part of a record."""
        return _fields(self)


@dataclass(frozen=True, slots=True)
class Head:
    """What an object's name points at now. Everything a warm call needs is in here.

    Attributes:
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's canonical name.
        current: the current version; `None` after a drop.
        latest: the highest number ever given.
        id: the id of the current version; empty after a drop.
        kind: the kind of the current version.
        size: bytes of the current version.
        rows: rows of the current version, where it has rows.
        attributes: the attributes of the current version.
        modified: when the pointer last moved, ISO 8601 in UTC.
        aliases: an alias and the number of the version it points at.
        history: the latest moves, oldest first; older ones are in pages of their own.
        pages: how many pages of older moves there are.
        schema: the schema of the current version.
        provenance: the provenance of the current version.
        created: when the current version was made, ISO 8601 in UTC.
        author: who made the current version.
        signed_by: the id of the key that signed the current version; empty for none.
    """

    store: str
    name: str
    current: int | None
    latest: int
    id: str
    kind: str
    size: int
    rows: int | None
    attributes: Mapping[str, Any]
    modified: str
    aliases: Mapping[str, int] = field(default_factory=dict)
    history: tuple[HistoryEntry, ...] = ()
    pages: int = 0
    schema: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    author: str = ""
    signed_by: str = ""

    @property
    def live(self) -> bool:
        """Whether the name points at a version; a dropped object's does not."""
        return self.current is not None

    def to_body(self) -> Body:
        """The head as the body of a record; `live` is in it for queries."""
        history = [entry.to_body() for entry in self.history]
        return {**_fields(self), "schema_version": SCHEMA, "history": history, "live": self.live}

    @classmethod
    def from_body(cls, body: Body) -> Self:
        """Read a head from the body of its record.

        Raises:
            CorruptRecordError: it does not have that form, or was written by a newer release.
        """
        check_schema(body)
        known = {key: value for key, value in body.items() if key not in {"schema_version", "live"}}
        try:
            return cls(**{**known, "history": tuple(HistoryEntry(**entry) for entry in body["history"])})
        except (KeyError, TypeError) as error:
            message = f"a head record does not have the form of one ({error}); restore the storage from a backup"
            raise CorruptRecordError(message) from error


def check_schema(body: Body) -> None:
    """Refuse a record that a newer release wrote.

    Raises:
        CorruptRecordError: it has no version of its form, or a higher one than this release knows.
    """
    found = body.get("schema_version")
    if found != SCHEMA:
        message = f"a record has form {found!r} but this release of omcore reads form {SCHEMA}; upgrade omcore"
        raise CorruptRecordError(message)


def _fields(value: DataclassInstance) -> Body:
    """The fields of a value by name, not copied; mappings as plain ones."""
    found = {spec.name: getattr(value, spec.name) for spec in fields(value)}
    return {name: dict(item) if isinstance(item, Mapping) else item for name, item in found.items()}

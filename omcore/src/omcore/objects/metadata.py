"""What people and the command line are told about a version."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.shelf import Shelf
    from omcore.objects.versions import Head, Version


@dataclass(frozen=True, slots=True, repr=False)
class Metadata:
    """A version, described.

    Attributes:
        name: the object's name.
        store: `datasets`, `models`, `jobs` or `scripts`.
        bucket: the bucket's name.
        context: the context's name.
        version: the number.
        current: whether the name points at this version now.
        kind: the format, for example `pandas.dataframe`.
        size: bytes.
        rows: the number of rows, where there are rows.
        schema: what the codec tells of the content; of a dataset `{"columns": {name: type}}` at least.
        attributes: what the user said about it.
        provenance: how it came to be.
        created: when, ISO 8601 in UTC.
        author: who, as `user@host`.
        aliases: the aliases that point at this version.
        signed_by: the id of the key that signed it, empty for none; it is checked when the version is loaded.
        id: the digest of the version.
    """

    name: str
    store: str
    bucket: str
    context: str
    version: int
    current: bool
    kind: str
    size: int
    rows: int | None
    schema: Mapping[str, Any]
    attributes: Mapping[str, Any]
    provenance: Mapping[str, Any]
    created: str
    author: str
    aliases: tuple[str, ...]
    signed_by: str
    id: str

    @classmethod
    def of_head(cls, head: Head, shelf: Shelf) -> Self:
        """Describe the current version of an object that has one."""
        number = head.current or 0
        return cls(
            name=head.name,
            store=head.store,
            bucket=shelf.bucket,
            context=shelf.context,
            version=number,
            current=True,
            kind=head.kind,
            size=head.size,
            rows=head.rows,
            schema=head.schema,
            attributes=head.attributes,
            provenance=head.provenance,
            created=head.created,
            author=head.author,
            aliases=_aliases(head, number),
            signed_by=head.signed_by,
            id=head.id,
        )

    @classmethod
    def of_version(cls, version: Version, head: Head, shelf: Shelf) -> Self:
        """Describe any version of an object."""
        content = version.content
        return cls(
            name=version.name,
            store=version.store,
            bucket=shelf.bucket,
            context=shelf.context,
            version=version.number,
            current=version.number == head.current,
            kind=content.kind,
            size=content.size,
            rows=content.rows,
            schema=content.schema,
            attributes=version.attributes,
            provenance=version.provenance,
            created=version.created,
            author=version.author,
            aliases=_aliases(head, version.number),
            signed_by=version.signature.get("key", ""),
            id=version.id,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns; empty where there are none."""
        return tuple(self.schema.get("columns", ()))

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON."""
        body = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {**body, "aliases": list(self.aliases)}

    def __repr__(self) -> str:
        rows = "" if self.rows is None else f", {self.rows} rows"
        aliases = "".join(f" @{alias}" for alias in self.aliases)
        return f"<{self.store}/{self.name}@{self.version}{aliases}: {self.kind}{rows}, {self.size} bytes>"


def _aliases(head: Head, number: int) -> tuple[str, ...]:
    return tuple(sorted(alias for alias, at in head.aliases.items() if at == number))

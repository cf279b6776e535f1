"""The errors for what is not there: they say what is, and what was meant."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING

from omcore.errors import ColumnNotFoundError, ObjectNotFoundError, VersionNotFoundError
from omcore.objects.keys import head_key
from omcore.objects.names import STORES, shown
from omcore.objects.versions import Head
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from omcore.objects.shelf import Found, Shelf

MANY = 10_000
"""How many names are looked through for a near match."""


def no_object(shelf: Shelf, name: str, found: Found | None = None) -> ObjectNotFoundError:
    """The error for a name that points at nothing.

    Args:
        shelf: where it was looked for.
        name: what was looked for.
        found: its head, if the object was dropped.
    """
    asked = f"there is no object {shown(name)} in {shelf}"
    if found is not None:
        mend = f"rollback({name!r}) brings it back until its data is collected"
        return ObjectNotFoundError(f"{asked}: it was dropped on {found.head.modified[:10]}; {mend}")
    if others := _stores_with(shelf, name):
        return ObjectNotFoundError(f"{asked}, but one in {' and in '.join(others)}; ask om.{others[0]} for it")
    names = list(islice(shelf.names(), MANY))
    there = f"there are {listed(names)}" if names else "the store is empty; put something there first"
    return ObjectNotFoundError(f"{asked}; {near(name, names)}{there}")


def no_version(shelf: Shelf, head: Head, version: int | str) -> VersionNotFoundError:
    """The error for a version or an alias that the object does not have."""
    numbers = shelf.numbers(head.name)
    if isinstance(version, str):
        asked = f"{head.name!r} in {shelf} has no alias {shown(version)}"
        return VersionNotFoundError(f"{asked}; {near(version, head.aliases)}{_there(numbers, head.aliases)}")
    return VersionNotFoundError(f"{head.name!r} in {shelf} has no version {version}; {_there(numbers, head.aliases)}")


def check_known(columns: Iterable[str] | None, schema: Mapping[str, Any], name: str) -> None:
    """Accept a projection of an object whose schema tells its columns, or tells none.

    Raises:
        ColumnNotFoundError: a column is not there.
    """
    known = schema.get("columns")
    if columns is None or not isinstance(known, dict):
        return
    for column in columns:
        if column not in known:
            asked = f"{name!r} has no column {shown(column)}"
            raise ColumnNotFoundError(f"{asked}; {near(column, known)}its columns are {listed(known)}")


def ranges(numbers: Sequence[int]) -> str:
    """Numbers in ascending order, short: `1 to 4, 6`."""
    runs = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    spans = [[number for _, number in run] for _, run in runs]
    return ", ".join(f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)


def _there(numbers: Sequence[int], aliases: Mapping[str, int]) -> str:
    versions = f"versions {ranges(numbers)}" if numbers else "no versions"
    return f"there are {versions} and the aliases {listed(aliases)}"


def _stores_with(shelf: Shelf, name: str) -> list[str]:
    """The other stores of the bucket that have an object of that name."""
    by_key = {head_key(shelf.bucket, store, name): store for store in STORES if store != shelf.store}
    records = shelf.storage.get_records(list(by_key))
    return [store for key, store in by_key.items() if key in records and Head.from_body(records[key].body).live]

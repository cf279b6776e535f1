"""Which one type the column has that several stretches of rows make, each written with a type of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.columntypes import describe_type
from omcore.objects.codecs.frames.composed import CategoryType
from omcore.objects.codecs.frames.joining import Nowhere
from omcore.objects.codecs.frames.objects import SEVERAL, ObjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.frames.columntypes import ColumnType


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rows of a column.

    Attributes:
        type: how they are kept.
        span: which rows of the whole they are.
        may_miss: some of their cells may be missing.
    """

    type: ColumnType
    span: slice
    may_miss: bool = True


def merge(stretches: Sequence[Stretch], what: str) -> ColumnType:
    """The type that fits all the rows.

    Args:
        stretches: the rows, in order.
        what: what to call the column in an error.

    Returns:
        The type of the first where the others have it too. Columns of objects may differ in the way in which they say
        "missing", and where all cells are missing; then the type is one that fits, and rows whose type is physically
        another must be written anew.

    Raises:
        UnsupportedTypeError: they are of different types.
    """
    first = stretches[0]
    objects = [each.type for each in stretches if isinstance(each.type, ObjectType)]
    if len(objects) == len(stretches):
        return _merge_objects(stretches, objects, what)
    for other in stretches[1:]:
        if not _same(first.type, other.type):
            raise differing(first, other, what)
    return first.type


def differing(first: Stretch, other: Stretch, what: str) -> UnsupportedTypeError:
    """The error for rows of a column that have another type than the first ones."""
    titles = first.type.title(), other.type.title()
    found = titles[1] if titles[0] != titles[1] else f"another {titles[1]}"
    message = f"{what} is {titles[0]} in the first rows but {found} in rows {other.span.start} to {other.span.stop - 1}"
    return UnsupportedTypeError(f"{message}, so that they cannot be put together; convert all of it to one type")


def _same(one: ColumnType, other: ColumnType) -> bool:
    if describe_type(one, Nowhere()) != describe_type(other, Nowhere()):
        return False
    if isinstance(one, CategoryType) and isinstance(other, CategoryType):
        return bool(one.dictionary.equals(other.dictionary))
    return True


def _merge_objects(stretches: Sequence[Stretch], types: Sequence[ObjectType], what: str) -> ColumnType:
    known = [number for number, kind in enumerate(types) if kind.cells.name != "nothing"]
    base = types[known[0] if known else 0]
    for number in known:
        if (types[number].cells.name, types[number].cell_type) != (base.cells.name, base.cell_type):
            raise differing(stretches[known[0]], stretches[number], what)
    ways = {kind.missing for kind, each in zip(types, stretches, strict=True) if each.may_miss}
    missing = next(iter(ways), base.missing) if len(ways) < 2 else SEVERAL
    return base if base.missing == missing else base.missing_as(missing)

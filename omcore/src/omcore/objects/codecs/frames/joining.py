"""Whether new values fit a column that is there, and how they are written so that they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.frames.columntypes import describe_type, flat
from omcore.objects.codecs.frames.composed import CategoryType
from omcore.objects.codecs.frames.infer import Column, infer
from omcore.objects.codecs.frames.objects import SEVERAL, ObjectType

if TYPE_CHECKING:
    import pyarrow as pa

    from omcore.objects.codecs.frames.columntypes import ColumnType


class RewriteError(Exception):
    """Cells of objects fit the column, but not the way it is kept: the parts there are cannot stay."""


def join(there: ColumnType, values: Any, what: str, without_nulls: bool = False) -> Column:
    """Make values ready to be written after those of a column.

    Args:
        there: the type of the column.
        values: what is to follow; categories without an order may be fewer, or in another order.
        what: what to call the column in an error.
        without_nulls: the column is known to have no nulls, so that any way to say "missing" may begin now.

    Raises:
        UnsupportedTypeError: they are of another type.
        RewriteError: they fit only if the whole column is written anew.
    """
    if isinstance(there, CategoryType) and hasattr(values, "categories"):
        return Column(there, array=flat(there.to_arrow(_recoded(there, values, what))))
    column = infer(values, what)
    if isinstance(there, ObjectType) and isinstance(column.type, ObjectType):
        return _join_objects(there, column, without_nulls)
    return _same(there, column, what)


def join_level(there: ColumnType, column: Column, what: str) -> Column:
    """As `join`, for a level of several, whose categories must be the same.

    Raises:
        UnsupportedTypeError: it is of another type.
        RewriteError: it fits only if the whole level is written anew.
    """
    if isinstance(there, ObjectType) and isinstance(column.type, ObjectType):
        return _join_objects(there, column, without_nulls=False)
    if isinstance(there, CategoryType) and isinstance(column.type, CategoryType):
        _check_categories(there.dtype, column.type.dtype, what)
    return _same(there, column, what)


def _same(there: ColumnType, column: Column, what: str) -> Column:
    if describe_type(there, Nowhere()) != describe_type(column.type, Nowhere()):
        message = f"{what} is {there.title()} but that of the rows to append is {column.type.title()}; convert it first"
        raise UnsupportedTypeError(message)
    return Column(there, column.raw, column.array)


def _recoded(there: CategoryType, values: Any, what: str) -> Any:
    old, new = there.dtype, values.dtype
    alike = old.categories.dtype == new.categories.dtype and not old.ordered and not new.ordered
    if alike and new.categories.isin(old.categories).all():
        return values.set_categories(old.categories)
    _check_categories(old, new, what)
    return values


def _check_categories(old: Any, new: Any, what: str) -> None:
    same = old.categories.dtype == new.categories.dtype and old.categories.equals(new.categories)
    if not same or bool(old.ordered) != bool(new.ordered):
        message = f"{what} has other categories than that of the rows to append, or in another order"
        raise UnsupportedTypeError(f"{message}; convert it to the dtype of the dataset first")


def _join_objects(there: ObjectType, column: Column, without_nulls: bool) -> Column:
    found: Any = column.type
    array: Any = column.array
    if found.cells.name == "nothing" != there.cells.name and found.missing != SEVERAL:
        found, array = there.missing_as(found.missing), array.cast(there.cell_type)
    if found.cells.name != there.cells.name or found.cell_type != there.cell_type:
        raise RewriteError
    if found.missing == there.missing:
        return Column(there, array=array)
    if SEVERAL in {there.missing, found.missing}:
        raise RewriteError
    if array.null_count == 0:
        return Column(there, array=array)
    if not without_nulls:
        raise RewriteError
    return Column(found, array=array)


class Nowhere:
    """Where dictionaries go that nobody reads."""

    def dictionary(self, _values: pa.Array | pa.ChunkedArray) -> str:
        """Keep nothing."""
        return ""

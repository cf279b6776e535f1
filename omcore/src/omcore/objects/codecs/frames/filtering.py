"""A filter, made fit for the columns of one frame: which rows fulfil it, and which parts cannot have any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from omcore.errors import InvalidFilterError
from omcore.objects.codecs.frames.checks import Check, IsNull, OneOf, Within
from omcore.objects.codecs.frames.columntypes import flat
from omcore.objects.codecs.frames.composed import CategoryType
from omcore.objects.codecs.frames.container import is_small
from omcore.objects.codecs.frames.families import Family, UnfitError
from omcore.objects.codecs.frames.familytable import family_of
from omcore.objects.codecs.frames.objects import ObjectType
from omcore.objects.filters import All, Condition, Either

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from omcore.objects.codecs.frames.columntypes import ColumnType
    from omcore.objects.codecs.frames.selection import Names
    from omcore.objects.filters import Filter

    Columns = Callable[[str], pa.ChunkedArray]


class Predicate(Protocol):
    """A filter that fits a frame."""

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it looks at."""
        ...

    def mask(self, columns: Columns) -> pa.ChunkedArray:
        """Which rows fulfil it; never null."""
        ...

    def may_match(self, statistics: Mapping[str, Any], rows: int) -> bool:
        """Say whether a part with these statistics may have such rows."""
        ...


@dataclass(frozen=True, slots=True)
class Test:
    """A check of one field."""

    field: str
    check: Check
    negated: bool
    comparable: Callable[[pa.ChunkedArray], pa.ChunkedArray]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({self.field})

    def mask(self, columns: Columns) -> pa.ChunkedArray:
        column = self.comparable(columns(self.field))
        mask = pc.fill_null(self.check.mask(column), False)
        mask = pc.invert(mask) if self.negated else mask
        return (
            mask if isinstance(self.check, IsNull) else pc.and_(mask, pc.invert(pc.is_null(column, nan_is_null=True)))
        )

    def may_match(self, statistics: Mapping[str, Any], rows: int) -> bool:
        known = statistics.get(self.field)
        if known is None:
            return True
        least, most, nulls = known
        if isinstance(self.check, IsNull):
            return bool(nulls < rows if self.negated else nulls > 0)
        if nulls == rows:
            return False
        if least is None or most is None:
            return True
        return not self.check.holds(least, most) if self.negated else self.check.may_hold(least, most)


@dataclass(frozen=True, slots=True)
class Several:
    """Several predicates: all of them, or any."""

    members: tuple[Predicate, ...]
    every: bool

    @property
    def fields(self) -> frozenset[str]:
        return frozenset[str]().union(*(member.fields for member in self.members))

    def mask(self, columns: Columns) -> pa.ChunkedArray:
        join = pc.and_ if self.every else pc.or_
        found = self.members[0].mask(columns)
        for member in self.members[1:]:
            found = join(found, member.mask(columns))
        return found

    def may_match(self, statistics: Mapping[str, Any], rows: int) -> bool:
        join = all if self.every else any
        return join(member.may_match(statistics, rows) for member in self.members)


def fit(asked: Filter, names: Names, types: Mapping[str, ColumnType]) -> Predicate:
    """Make a filter fit for a frame.

    Raises:
        ColumnNotFoundError: it names a column that is not there.
        InvalidFilterError: a value or an operator does not fit its column.
    """
    if isinstance(asked, All | Either):
        return Several(tuple(fit(member, names, types) for member in asked.filters), isinstance(asked, All))
    field = names.field(asked.column)
    kind = types[field]
    if asked.operator == "isnull":
        return Test(field, IsNull(), asked.negated is bool(asked.value), _comparable(kind, family_of(kind)))
    if isinstance(kind, CategoryType):
        return _fit_category(asked, field, kind)
    family = family_of(kind)
    check = _check(asked, family, kind.title())
    return Test(field, check, _negated(asked), _comparable(kind, family))


def _negated(asked: Condition) -> bool:
    return asked.negated is not (asked.operator in {"ne", "notin"})


def _comparable(kind: ColumnType, family: Family) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return lambda column: family.prepare(kind.comparable(column))


def _check(asked: Condition, family: Family, title: str) -> Check:
    if asked.operator not in family.operators:
        offered = ", ".join(sorted(family.operators | {"isnull"}))
        message = f"the filter {asked.column}__{asked.operator} does not fit a column of {title}; it takes {offered}"
        raise InvalidFilterError(message)
    values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
    try:
        constants = [family.constant(value) for value in values]
    except UnfitError as error:
        given = f"the filter {asked.column}__{asked.operator} compares a column of {title} with"
        raise InvalidFilterError(f"{given} {asked.value!r}; {error}") from error
    operator = {"ne": "eq", "notin": "in"}.get(asked.operator, asked.operator)
    return family.check(operator, constants)


def _fit_category(asked: Condition, field: str, kind: CategoryType) -> Predicate:
    """A condition on categories is one on their codes; the order of ordered categories is theirs."""
    family = family_of(kind.items)
    dictionary = family.prepare(kind.items.comparable(kind.dictionary))
    check = _check(asked, family, kind.title())
    if kind.ordered and isinstance(check, Within):
        check = _check_ordered(asked, family, dictionary)
    else:
        allowed = np.flatnonzero(pc.fill_null(check.mask(dictionary), False).to_numpy())
        check = OneOf(tuple(allowed.tolist()))
    return Test(field, check, _negated(asked), kind.comparable)


def _check_ordered(asked: Condition, family: Family, dictionary: pa.ChunkedArray) -> Check:
    values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
    codes = []
    for value in values:
        found = np.flatnonzero(family.check("eq", [family.constant(value)]).mask(dictionary).to_numpy())
        if not len(found):
            message = f"the filter {asked.column}__{asked.operator} compares with {value!r}, which is no category"
            raise InvalidFilterError(f"{message} of the ordered column; give one of its categories")
        codes.append(int(found[0]))
    low = codes[0] if asked.operator in {"gt", "gte", "between"} else None
    high = codes[-1] if asked.operator in {"lt", "lte", "between"} else None
    return Within(low, high, asked.operator == "gt", asked.operator == "lt")


def describe(table: pa.Table, types: Mapping[str, ColumnType]) -> dict[str, Any]:
    """What of a part's columns lets a filter skip it: `{field: [least, most, nulls]}`.

    Of a small part, which is read as fast as skipped, only the nulls of objects are told: appending asks for them.
    """
    found: dict[str, Any] = {}
    small = is_small(table)
    for name in table.column_names[:MOST_FIELDS]:
        kind = types[name]
        if small and not isinstance(kind, ObjectType):
            continue
        family = family_of(kind)
        column = family.prepare(flat(kind.comparable(table.column(name))))
        nulls = pc.sum(pc.is_null(column, nan_is_null=True)).as_py() or 0
        known = not small and family.operators and nulls < len(column)
        least, most = _limits(column, family) if known else (None, None)
        found[name] = [least, most, nulls]
    return found


def _limits(column: pa.ChunkedArray, family: Family) -> tuple[Any, Any]:
    least, most = family.limits(column)
    if least is None or family.plain(least) is None or family.plain(most) is None:
        return None, None
    return family.plain(least), family.plain(most)


MOST_FIELDS = 256
"""Of how many fields a part's statistics tell; the record of a version stays small."""

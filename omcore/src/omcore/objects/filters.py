"""Filters in the Django form: `x__gt=5`, `name__startswith="a"`, `y__in=[1, 2]`, `z__isnull=True`.

Several conditions hold together. `where(...)` makes a filter to combine with `&`, `|` and `~`:

    om.datasets.get("sales", filter=where(x__gt=5) | where(y__isnull=True))

A null fulfils no condition but `isnull`, nor the negation of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from omcore.errors import InvalidFilterError
from omcore.objects.filtervalues import TAKES, check_value
from omcore.objects.names import shown
from omcore.sentences import listed, near

DEEPEST = 16
"""How deeply filters may be nested."""

MOST_CONDITIONS = 500
"""How many conditions a filter may have."""

OPERATORS = tuple(TAKES)
"""Every operator: `eq ne gt gte lt lte in notin isnull between contains icontains startswith istartswith endswith
iendswith iexact`."""


class _Combinable:
    """Gives filters the operators `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: Filter) -> Filter:
        return All((*_members(self, All), *_members(other, All)))

    def __or__(self, other: Filter) -> Filter:
        return Either((*_members(self, Either), *_members(other, Either)))

    def __invert__(self) -> Filter:
        part = _filter(self)
        if isinstance(part, Condition):
            return replace(part, negated=not part.negated)
        opposite = Either if isinstance(part, All) else All
        return opposite(tuple(~member for member in part.filters))


@dataclass(frozen=True, slots=True)
class Condition(_Combinable):
    """One comparison of a column with a value. One that exists is valid.

    Attributes:
        column: the column's name.
        operator: one of `eq ne gt gte lt lte in notin isnull between contains icontains startswith istartswith
            endswith iendswith iexact`.
        value: a JSON scalar, a date or datetime, or for `in`, `notin` and `between` a tuple of such.
        negated: the rows that do not fulfil it (written `not__x__gt=5`); a null fulfils neither.
    """

    column: str
    operator: str
    value: Any
    negated: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.column, str):
            raise InvalidFilterError(f"a filter names columns by text, not by {shown(self.column)}; give their names")
        if self.operator not in TAKES:
            raise _unknown_operator(self.column, self.operator)
        if not isinstance(self.negated, bool):
            raise InvalidFilterError(f"a condition is negated or not, True or False, not {shown(self.negated)}")
        object.__setattr__(self, "value", check_value(self.column, self.operator, self.value))


@dataclass(frozen=True, slots=True)
class All(_Combinable):
    """Every one of these holds."""

    filters: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_members(self)


@dataclass(frozen=True, slots=True)
class Either(_Combinable):
    """At least one of these holds."""

    filters: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_members(self)


Filter: TypeAlias = Condition | All | Either


def where(**filters: Any) -> Filter:
    """A filter of conditions that all hold, to be combined with `&`, `|` and `~`.

    Args:
        filters: `column__operator=value`, `column=value` for `eq`, `not__column__operator=value` for the rest.

    Raises:
        InvalidFilterError: there is no condition, or one of them makes no sense.
    """
    found = compile_filter(filters)
    if found is None:
        raise InvalidFilterError("where() was given no condition; give one such as where(x__gt=5)")
    return found


def compile_filter(filters: Mapping[str, Any] | Filter | None) -> Filter | None:
    """Read a filter in keyword form; one that is read already is returned as it is.

    In `a__b__gt` the last part is the operator, and the rest the column, whatever the data are. A column with `__` in
    its name needs its operator written out: `a__b__eq=5`. `x=None` asks for nulls.

    Args:
        filters: conditions that all hold, by key. `None` and an empty mapping filter nothing.

    Raises:
        InvalidFilterError: a key names no column or an unknown operator, or a value does not fit its operator.
    """
    if filters is None or isinstance(filters, Condition | All | Either):
        return filters
    if not isinstance(filters, Mapping):
        raise InvalidFilterError(f"a filter is a dict such as {{'x__gt': 5}} or made by where(), not {shown(filters)}")
    conditions = tuple(_condition(key, value) for key, value in filters.items())
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else All(conditions)


def combine(first: Filter | None, second: Filter | None) -> Filter | None:
    """The filter that asks for both."""
    return first & second if first and second else first or second


def conditions(filter: Filter) -> list[Condition]:  # noqa: A002 - the word that users know
    """Every condition in a filter, in order."""
    if isinstance(filter, Condition):
        return [filter]
    return [condition for part in filter.filters for condition in conditions(part)]


def columns_of(filter: Filter) -> frozenset[str]:  # noqa: A002 - the word that users know
    """The names of the columns that a filter looks at."""
    return frozenset(condition.column for condition in conditions(filter))


def _condition(key: str, value: Any) -> Condition:
    if not isinstance(key, str):
        raise InvalidFilterError(f"a filter's key is text such as 'x__gt', not {shown(key)}")
    body = key.removeprefix("not__")
    column, separator, operator = body.rpartition("__")
    if not separator:
        column, operator = body, "eq"
    if not column:
        raise InvalidFilterError(f"the filter {shown(key)} names no column; write such as x__gt=5")
    if operator in {"eq", "ne"} and value is None:
        operator, value = "isnull", operator == "eq"
    return Condition(column, operator, value, negated=body != key)


def _unknown_operator(column: str, operator: object) -> InvalidFilterError:
    asked = f"the filter {shown(f'{column}__{operator}')} has no operator that is known"
    escape = f"for a column of that very name write {shown(f'{column}__{operator}__eq')}"
    return InvalidFilterError(f"{asked}; {near(str(operator), OPERATORS)}there are {listed(OPERATORS)}; {escape}")


def _filter(part: object) -> Filter:
    if isinstance(part, Condition | All | Either):
        return part
    raise InvalidFilterError(f"{shown(part)} cannot be combined with a filter; make it one with where(...)")


def _members(part: object, kind: type[All | Either]) -> tuple[Filter, ...]:
    """The members of a filter of that kind, or the filter itself as the only one, so that chains do not nest."""
    return part.filters if isinstance(part, kind) else (_filter(part),)


def _check_members(group: All | Either) -> None:
    if not isinstance(group.filters, tuple) or not group.filters:
        raise InvalidFilterError("a group of filters is a tuple of at least one; leave the group out for none")
    for part in group.filters:
        _filter(part)
    if _depth(group) > DEEPEST:
        raise InvalidFilterError(f"a filter is nested more than {DEEPEST} deep; make it flatter")
    if len(conditions(group)) > MOST_CONDITIONS:
        raise InvalidFilterError(f"a filter has more than {MOST_CONDITIONS} conditions; use 'in' for many values")


def _depth(part: Filter) -> int:
    return 1 if isinstance(part, Condition) else 1 + max(map(_depth, part.filters))

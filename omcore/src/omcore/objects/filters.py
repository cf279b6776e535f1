"""Filters in the Django form: `x__gt=5`, `name__startswith="a"`, `y__in=[1, 2]`, `z__isnull=True`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a column with a value.

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


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these holds."""

    filters: tuple[Filter, ...]


Filter: TypeAlias = "Condition | All | Either"

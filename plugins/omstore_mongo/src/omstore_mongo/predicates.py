"""A filter that fits a frame becomes a query of the documents that the frame is kept in; it means the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from omcore.objects.codecs.frames.checks import IsNull, Matches, OneOf, Within
from omcore.objects.codecs.frames.filtering import Several, Test
from omstore_mongo.forms import CategoryForm, Form
from omstore_mongo.queries import any_of, compared, every, has_text, is_null, none_of, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.codecs.frames.checks import Check
    from omcore.objects.codecs.frames.filtering import Predicate
    from omstore_mongo.connection import Document


LAST = 1 << 62
"""A row that no frame has."""


class Place(ABC):
    """Where documents keep a column."""

    @abstractmethod
    def nulls(self) -> Document:
        """Finds the nulls."""

    @abstractmethod
    def query(self, check: Check) -> Document:
        """Finds values that fulfil a check; what it says of nulls is not looked at."""


class FieldPlace(Place):
    """A field of the documents, whose values have a form."""

    def __init__(self, name: str, form: Form) -> None:
        self._path = name + form.within
        self._form = form

    def nulls(self) -> Document:
        return is_null(self._path)

    def query(self, check: Check) -> Document:
        if isinstance(check, OneOf):
            return one_of(self._path, self._form.equals(check.values))
        if isinstance(check, Matches):
            return has_text(self._path, check.place, check.text, fold=check.fold)
        assert isinstance(check, Within)
        if isinstance(self._form, CategoryForm):
            return one_of(self._path, _categories(self._form, check))
        bounds = []
        if check.low is not None:
            bounds.append(compared(self._path, "$gt" if check.low_open else "$gte", self._form.lowest(check.low)))
        if check.high is not None:
            bounds.append(compared(self._path, "$lt" if check.high_open else "$lte", self._form.highest(check.high)))
        return every(bounds) if bounds else {}


class RangePlace(Place):
    """The values of a range, which stand nowhere: they follow from the number of the row, the id of its document."""

    def __init__(self, start: int, step: int) -> None:
        self._start = start
        self._step = step

    def nulls(self) -> Document:
        return any_of([])

    def query(self, check: Check) -> Document:
        start, step = self._start, self._step
        if isinstance(check, OneOf):
            rows = [(value - start) // step for value in check.values if not (value - start) % step]
            return one_of("_id", [row for row in rows if 0 <= row < LAST])
        assert isinstance(check, Within)
        first, last = (check.low, check.high) if step > 0 else (check.high, check.low)
        bounds = []
        if first is not None:
            bounds.append(compared("_id", "$gte", _row(-((start - first) // step))))
        if last is not None:
            bounds.append(compared("_id", "$lte", _row((last - start) // step)))
        return every(bounds) if bounds else {}


def _row(number: int) -> int:
    return min(max(number, -1), LAST)


def _categories(form: CategoryForm, check: Within) -> list[Any]:
    """The categories in a range of their order."""
    low = 0 if check.low is None else check.low + check.low_open
    return form.between(low, None if check.high is None else check.high - check.high_open)


def compiled(predicate: Predicate, places: Mapping[str, Place]) -> Document:
    """The query for a predicate.

    Args:
        predicate: what `fit` made of a filter.
        places: where each field of the frame is.
    """
    if isinstance(predicate, Several):
        members = [compiled(member, places) for member in predicate.members]
        return every(members) if predicate.every else any_of(members)
    assert isinstance(predicate, Test)
    place = places[predicate.field]
    if isinstance(predicate.check, IsNull):
        return none_of(place.nulls()) if predicate.negated else place.nulls()
    found = place.query(predicate.check)
    return every([none_of(place.nulls()), none_of(found) if predicate.negated else found])

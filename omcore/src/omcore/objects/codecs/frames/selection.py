"""Which columns and levels of a frame a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.errors import ColumnNotFoundError, InvalidFilterError
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


class Names:
    """The names of a frame: those of its columns, and those of the levels of its index.

    A name that is no text is meant by its text, and a tuple by its first item too. Where a column and a level share a
    name, the column is meant.
    """

    def __init__(self, labels: Iterable[Hashable], levels: Sequence[Hashable]) -> None:
        self._fields: dict[str, list[str]] = {}
        for number, label in enumerate(labels):
            self._add(label, f"c{number}")
        columns = set(self._fields)
        for number, label in enumerate(levels):
            if label is not None and str(label) not in columns:
                self._add(label, f"i{number}")

    def _add(self, label: Hashable, field: str) -> None:
        text = str(label)
        self._fields.setdefault(text, []).append(field)
        if isinstance(label, tuple) and label and str(label[0]) != text:
            self._fields.setdefault(str(label[0]), []).append(field)

    def fields(self, columns: Iterable[str]) -> list[str]:
        """The fields that a projection asks for, in its order.

        Raises:
            ColumnNotFoundError: a name means nothing here.
        """
        return [field for column in columns for field in self._find(column)]

    def field(self, column: str) -> str:
        """The one field that a filter looks at.

        Raises:
            ColumnNotFoundError: the name means nothing here.
            InvalidFilterError: it means several.
        """
        fields = self._find(column)
        if len(fields) > 1:
            message = f"the filter on {column!r} is ambiguous: {len(fields)} columns have that name; rename them first"
            raise InvalidFilterError(message)
        return fields[0]

    def _find(self, column: str) -> list[str]:
        if column not in self._fields:
            known = self._fields
            message = f"column {column!r} was asked for; {near(column, known)}there are {listed(known)}"
            raise ColumnNotFoundError(message)
        return self._fields[column]

    def titles(self, types: dict[str, Any]) -> dict[str, str]:
        """Every name and the types of what it means, for people."""
        titles = {id(kind): kind.title() for kind in {id(each): each for each in types.values()}.values()}
        told = {field: titles[id(kind)] for field, kind in types.items()}
        return {
            name: ", ".join(dict.fromkeys(_title(field, told) for field in fields))
            for name, fields in self._fields.items()
        }


def _title(field: str, told: dict[str, str]) -> str:
    title = told.get(field, "int64")
    return f"{title} (index)" if field.startswith("i") else title

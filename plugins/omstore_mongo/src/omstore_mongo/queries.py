"""The pieces that queries are made of. Each is made anew, of operators that are written here and of literal values.

Nothing that a user says becomes an operator: a value stands as the operand of an operator that takes none itself, a
text that is searched for is escaped character by character, and a name that begins with `$` is refused.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidFilterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omstore_mongo.connection import Document

OPERATORS = frozenset(
    {"$and", "$or", "$nor", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$type", "$regex", "$exists"}
)
"""Every operator that a query of ours may have; none of them computes, and none looks into another collection."""

NULLS = (None, float("nan"))
"""What counts as null; a field that is not there does, too."""

LONGEST_PATTERN = 32_000
"""Bytes that the server takes for a pattern, about."""


def every(queries: Sequence[Document]) -> Document:
    """What fulfils all of the queries."""
    return queries[0] if len(queries) == 1 else {"$and": list(queries)}


def any_of(queries: Sequence[Document]) -> Document:
    """What fulfils one of the queries; nothing does where there are none."""
    if not queries:
        return {"_id": {"$in": []}}
    return queries[0] if len(queries) == 1 else {"$or": list(queries)}


def none_of(query: Document) -> Document:
    """What does not fulfil the query."""
    return {"$nor": [query]}


def one_of(path: str, values: Iterable[Any]) -> Document:
    """The value is one of these."""
    return {path: {"$in": list(values)}}


def compared(path: str, operator: str, value: Any) -> Document:
    """The value is greater or less than this one, and of its type."""
    return {path: {operator: value}}


def is_array(path: str) -> Document:
    """The value is a list: the server would look into it, and compare its items."""
    return {path: {"$type": "array"}}


def is_null(path: str) -> Document:
    """The value is null or not a number, or there is none."""
    return every([one_of(path, NULLS), none_of(is_array(path))])


def has_text(path: str, place: str, text: str, *, fold: bool) -> Document:
    """The value is text with a piece of text in some place.

    Args:
        path: the field.
        place: `contains`, `startswith`, `endswith` or `exact`.
        text: the piece.
        fold: look past upper and lower case.

    Raises:
        InvalidFilterError: the text is longer than the server takes.
    """
    pattern = "".join(map(_any_case if fold else _literal, text))
    start = "^" if place in {"startswith", "exact"} else ""
    end = r"\z" if place in {"endswith", "exact"} else ""
    if len(pattern.encode()) > LONGEST_PATTERN:
        message = f"a filter looks for a text of {len(text)} characters; that is more than MongoDB searches for"
        raise InvalidFilterError(f"{message}: give a shorter one")
    return {path: {"$regex": f"{start}{pattern}{end}"}}


def _literal(character: str) -> str:
    """A character as a pattern that matches it alone."""
    return character if character.isalnum() or ord(character) > 127 else rf"\x{{{ord(character):x}}}"


def _any_case(character: str) -> str:
    """A pattern for every character that in lower case is what this one is in lower case."""
    to_lower, from_lower = _cases()
    lower = to_lower.get(character, character)
    same = from_lower.get(lower, ())
    return _literal(lower) if not same else f"(?:{'|'.join(map(_literal, (lower, *same)))})"


@functools.cache
def _cases() -> tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    """How frames see upper and lower case: characters that are not their own lower case, in both directions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    everything = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    lowered = pc.utf8_lower(pa.array(everything)).to_pylist()
    to_lower = {upper: lower for upper, lower in zip(everything, lowered, strict=True) if upper != lower}
    from_lower: dict[str, tuple[str, ...]] = {}
    for upper, lower in to_lower.items():
        from_lower[lower] = (*from_lower.get(lower, ()), upper)
    return to_lower, from_lower

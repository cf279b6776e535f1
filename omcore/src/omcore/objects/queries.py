"""What users ask for, in the ways in which they say it."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError
from omcore.objects.codecs.base import Query
from omcore.objects.filters import combine, compile_filter
from omcore.objects.names import nfc
from omcore.objects.references import check_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from omcore.objects.filters import Filter

LONGEST_PATTERN = 1000
"""Characters of a pattern for `list`."""


def make_query(
    projection: tuple[str, ...] | None,
    columns: Iterable[str] | None,
    filter: Mapping[str, Any] | Filter | None,  # noqa: A002 - the word that users know
    filters: Mapping[str, Any],
) -> Query:
    """What is asked for, from the ways in which it can be said.

    Raises:
        InvalidArgumentError: columns are named both in the reference and by argument.
    """
    if projection is not None and columns is not None:
        raise InvalidArgumentError(f"columns are named twice, in the reference and by columns={columns!r}; give one")
    asked = projection if columns is None else check_columns(columns)
    return Query(asked, combine(compile_filter(filter), compile_filter(filters)))


def matcher(pattern: str | None) -> Callable[[str], object]:
    """What says whether a name matches a pattern; any name does for `None`.

    Raises:
        InvalidArgumentError: the pattern is no text, or too long.
    """
    if pattern is None:
        return lambda _: True
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise InvalidArgumentError(f"a pattern is text of at most {LONGEST_PATTERN} characters such as 'sales*'")
    return re.compile(fnmatch.translate(nfc(pattern))).match

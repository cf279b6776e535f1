"""Mistakes with queries, with appending, and with batches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omcore.testing.codec.saboteurs.base import Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.codecs.base import Content, Query, Sink, Source, Trust


class IgnoresQueries(Numbers):
    """Gives everything, whatever was asked for."""

    api_version = 1
    caught_by = "test_a_query_that_makes_no_sense_is_refused"

    def check(self, query: Query) -> None:
        del query


class IgnoresFilters(Numbers):
    """Refuses columns, but overlooks filters."""

    api_version = 1
    caught_by = "test_a_query_that_makes_no_sense_is_refused"

    def check(self, query: Query) -> None:
        super().check(replace(query, filter=None))


class AnswersQueriesWrongly(Numbers):
    """Refuses the one query that the example answers."""

    api_version = 1
    caught_by = "test_a_query_gives_what_it_asks_for"


class AppendsToWhatIsThere(Numbers):
    """Changes the content that it was given."""

    api_version = 1
    caught_by = "test_appending_leaves_what_was_there"

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        details: Any = content.details
        details["count"] += len(value)
        return replace(super().append(content, value, sink, source), details=details)


class CountsOnlyNewRows(Numbers):
    """Says how many rows were appended instead of how many there are."""

    api_version = 1
    caught_by = "test_appending_leaves_what_was_there"

    def append(self, content: Content, value: Any, sink: Sink, source: Source) -> Content:
        return replace(super().append(content, value, sink, source), rows=len(value))


class BatchesOverlap(Numbers):
    """Gives the first batch twice."""

    api_version = 1
    caught_by = "test_batches_together_have_every_row_once"

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:
        found = list(super().batches(content, source, query, trust))
        yield from [found[0], *found]


class LosesTheLastBatch(Numbers):
    """Stops one batch too early."""

    api_version = 1
    caught_by = "test_batches_together_have_every_row_once"

    def batches(self, content: Content, source: Source, query: Query, trust: Trust) -> Iterator[Any]:
        yield from list(super().batches(content, source, query, trust))[:-1]

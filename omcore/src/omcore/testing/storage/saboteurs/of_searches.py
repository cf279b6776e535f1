"""Storages that break a promise about finding records."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from omcore.storage.backend import PAGE, Record
from omcore.storage.bodies import matches, project
from omcore.testing.storage.saboteurs.base import Saboteur

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from omcore.storage.bodies import Scalar


class _Searches(Saboteur):
    """Finds records with a search of its own: the pieces that the saboteurs below replace."""

    def find_records(
        self,
        prefix: str,
        where: Mapping[str, Scalar] | None = None,
        after: str | None = None,
        limit: int = PAGE,
        fields: Collection[str] | None = None,
    ) -> Sequence[Record]:
        rows = [(key, self._space.rows[key]) for key in self._sorted() if self._begins(key, prefix)]
        records = [Record(key, json.loads(row.text), row.revision) for key, row in rows if self._follows(key, after)]
        page = self._page(records, where or {}, limit)
        return [replace(record, body=project(record.body, fields)) for record in page]

    def _sorted(self) -> Sequence[str]:
        return sorted(self._space.rows)

    def _begins(self, key: str, prefix: str) -> bool:
        return key.startswith(prefix)

    def _follows(self, key: str, after: str | None) -> bool:
        return after is None or key > after

    def _page(self, records: Sequence[Record], where: Mapping[str, Scalar], limit: int) -> Sequence[Record]:
        return [record for record in records if matches(record.body, where)][:limit]


class PrefixIsAPattern(_Searches):
    """Searches as SQL's LIKE and shells do."""

    caught_by = "test_a_prefix_means_itself_and_nothing_else"

    def _begins(self, key: str, prefix: str) -> bool:
        return fnmatch.fnmatchcase(key, f"{prefix.replace('_', '?').replace('%', '*')}*")


class IgnoresCase(_Searches):
    """Orders as a dictionary does."""

    caught_by = "test_a_prefix_means_itself_and_nothing_else"

    def _sorted(self) -> Sequence[str]:
        return sorted(self._space.rows, key=str.lower)


class RepeatsTheLastKey(_Searches):
    """Begins a page with the key after which it should begin, if there is room for more."""

    caught_by = "test_pages_follow_each_other_without_gap_or_repeat"

    def _follows(self, key: str, after: str | None) -> bool:
        return after is None or key >= after[:-1]


class TakesTrueForOne(_Searches):
    """Compares as Python and SQLite do."""

    caught_by = "test_a_value_equals_only_itself"

    def _page(self, records: Sequence[Record], where: Mapping[str, Scalar], limit: int) -> Sequence[Record]:
        return [r for r in records if all(r.body.get(name) == value for name, value in where.items())][:limit]


class TakesAMemberForItsList(_Searches):
    """Compares as MongoDB does."""

    caught_by = "test_a_value_equals_only_itself"

    def _page(self, records: Sequence[Record], where: Mapping[str, Scalar], limit: int) -> Sequence[Record]:
        def fits(record: Record) -> bool:
            lists = [name for name, value in where.items() if _holds(record.body.get(name), value)]
            return matches(record.body, {name: value for name, value in where.items() if name not in lists})

        return [record for record in records if fits(record)][:limit]


class LimitsBeforeItFilters(_Searches):
    """Reads a page, then leaves out what does not fit."""

    caught_by = "test_a_limit_counts_what_fits"

    def _page(self, records: Sequence[Record], where: Mapping[str, Scalar], limit: int) -> Sequence[Record]:
        return [record for record in records[:limit] if matches(record.body, where)]


def _holds(found: object, value: Scalar) -> bool:
    return isinstance(found, list) and value in found

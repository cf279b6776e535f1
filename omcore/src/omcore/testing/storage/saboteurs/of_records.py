"""Storages that break a promise about records or commits."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from omcore.errors import ConflictError
from omcore.storage.backend import Delete, Put, Record
from omcore.storage.bodies import check_key
from omcore.storage.memory import MemoryOptions, StoredRecord
from omcore.testing.storage.saboteurs.base import Saboteur

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omcore.storage.backend import Change, Place


class TornCommit(Saboteur):
    """Makes one change after the other, until one fails."""

    caught_by = "test_one_conflict_undoes_the_whole_commit"

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        revisions: dict[str, str] = {}
        for change in changes:
            revisions |= super().commit([change])
        return revisions


class CommitsBackwards(Saboteur):
    """Makes the changes visible one by one, the last one first."""

    caught_by = "test_a_reader_never_sees_a_pointer_before_what_it_points_at"

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        revisions: dict[str, str] = {}
        for change in reversed(changes):
            revisions |= super().commit([change])
            time.sleep(0.001)
        return revisions


class LosesUpdates(Saboteur):
    """Compares, and a moment later sets."""

    caught_by = "test_no_increment_is_lost_between_threads_and_openings"

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        for change in changes:
            found = self._revision(change.key)
            if found != change.expected:
                raise ConflictError(change.key, change.expected, found)
        time.sleep(0.001)
        return super().commit([self._as_it_is_now(change) for change in changes])

    def _as_it_is_now(self, change: Change) -> Change:
        now = self._revision(change.key)
        return Put(change.key, change.body, now) if isinstance(change, Put) else Delete(change.key, now or "")

    def _revision(self, key: str) -> str | None:
        found = self.get_record(key)
        return found.revision if found else None


class UpsertsOnCreate(Saboteur):
    """Takes "there is no such record" for "I do not care"."""

    caught_by = "test_a_put_at_another_revision_is_a_conflict"

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        return super().commit([self._careless(change) for change in changes])

    def _careless(self, change: Change) -> Change:
        found = self.get_record(change.key)
        careless = isinstance(change, Put) and change.expected is None and found
        return replace(change, expected=found.revision) if careless and found else change


class CountsRevisions(Saboteur):
    """Numbers the revisions of a record from 1, anew after each delete."""

    caught_by = "test_a_revision_never_comes_back"

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        with self._space.lock:
            before = {key: int(row.revision) for key, row in self._space.rows.items()}
            made = super().commit(changes)
            revisions = {key: str(before.get(key, 0) + 1) for key in made}
            for key, revision in revisions.items():
                self._space.rows[key] = replace(self._space.rows[key], revision=revision)
        return revisions


class SharesBodies(Saboteur):
    """Hands out the same object to everybody."""

    caught_by = "test_a_body_is_the_callers_own"

    def __init__(self, options: MemoryOptions, place: Place) -> None:
        super().__init__(options, place)
        self._read: dict[str, Record] = {}

    def get_record(self, key: str) -> Record | None:
        record = super().get_record(key)
        if record is None:
            return None
        return self._read.setdefault(record.revision, record)


class KeepsNumbersAsFloats(Saboteur):
    """Keeps every number as a double."""

    caught_by = "test_any_body_comes_back_as_it_went_in"

    def get_record(self, key: str) -> Record | None:
        check_key(key)
        row = self._space.rows.get(key)
        return None if row is None else Record(key, json.loads(row.text, parse_int=float), row.revision)


class AcceptsAnyBody(Saboteur):
    """Writes what `json.dumps` writes."""

    caught_by = "test_a_body_that_not_every_backend_can_keep_is_refused"

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        made = super().commit([replace(change, body={}) if isinstance(change, Put) else change for change in changes])
        for change in changes:
            if isinstance(change, Put):
                text = json.dumps(change.body, default=str)
                self._space.rows[change.key] = StoredRecord(text, made[change.key])
        return made

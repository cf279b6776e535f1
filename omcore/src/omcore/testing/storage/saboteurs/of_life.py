"""Storages that break a promise about opening, closing and keeping apart."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from omcore.storage.memory import MemoryOptions, Space
from omcore.testing.storage.saboteurs.base import Saboteur

if TYPE_CHECKING:
    from omcore.storage.backend import Place


class Forgets(Saboteur):
    """Begins anew at every opening."""

    caught_by = "test_what_was_stored_is_there_after_a_reopening"

    @classmethod
    def opened(cls, place: Place) -> Saboteur:
        return cls(MemoryOptions(), place)


class SharesBetweenPlaces(Saboteur):
    """Keeps the data of all contexts in one heap."""

    caught_by = "test_two_places_share_nothing"

    @classmethod
    def opened(cls, place: Place) -> Saboteur:
        return cls(MemoryOptions(name=f"{cls.__name__} {place.home.parent}"), place)


class ChangesItsIdentity(Saboteur):
    """Makes a new identity at every opening."""

    caught_by = "test_an_identity_belongs_to_the_data"

    def __init__(self, options: MemoryOptions, place: Place) -> None:
        super().__init__(options, place)
        self._made = secrets.token_hex(16)

    @property
    def identity(self) -> str:
        return self._made


class TellsItsSecret(Saboteur):
    """Has its password in its address."""

    caught_by = "test_no_secret_shows"

    @property
    def address(self) -> str:
        return "memory://user:open-sesame@localhost"


class NeverCloses(Saboteur):
    """Goes on after the end."""

    caught_by = "test_a_closed_storage_cannot_be_used"

    @property
    def _space(self) -> Space:
        return self._opened


class ClosesForAll(Saboteur):
    """Ends the data with the first opening that closes."""

    caught_by = "test_what_was_stored_is_there_after_a_reopening"

    def close(self) -> None:
        self._opened.rows.clear()
        self._opened.keys.clear()
        super().close()


class SleepsThroughChanges(Saboteur):
    """Tells who waits for a change that there was none."""

    caught_by = "test_who_waits_for_a_change_is_woken_by_one"

    def wait_for_change(self, prefix: str, timeout: float) -> bool:  # noqa: ARG002 - that is what is wrong with it
        return False


class WakesForOthers(Saboteur):
    """Wakes who waits, whatever was changed."""

    caught_by = "test_who_waits_for_a_change_is_left_alone_by_others"

    def wait_for_change(self, prefix: str, timeout: float) -> bool:  # noqa: ARG002 - that is what is wrong with it
        return super().wait_for_change("", timeout)

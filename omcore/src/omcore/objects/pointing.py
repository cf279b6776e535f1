"""What moves the pointers of a store: aliases, drop and rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.errors import VersionNotFoundError
from omcore.objects.base import StoreBase, settle
from omcore.objects.events import Dropped
from omcore.objects.heads import Move, aliased, dropped, pointed
from omcore.objects.metadata import Metadata
from omcore.objects.missing import no_object, no_version
from omcore.objects.names import check_alias, check_name
from omcore.objects.references import check_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.heads import Moved
    from omcore.objects.shelf import Found
    from omcore.objects.versions import Head, HistoryEntry


class PointingStore(StoreBase):
    """Moves pointers; versions stay as they are."""

    def tag(self, name: str, alias: str, version: int | str | None = None) -> Metadata:
        """Let an alias point at a version; it may have pointed at another.

        Args:
            name: the object's name.
            alias: the alias, then good for `name@alias`.
            version: a number or another alias; the current version for `None`.

        Returns:
            The metadata of the version that the alias points at.

        Raises:
            InvalidNameError: the name or the alias is not allowed.
            ObjectNotFoundError: there is no such object, or (`VersionNotFoundError`) no such version of it.
        """
        name, alias = check_name(name), check_alias(alias)

        def attempt() -> Metadata:
            found = self._live(name)
            number = self._number(found, check_version(version))
            known = self._version(found, number)
            moved = aliased(found.head, alias, number, Move("tag", self._author, alias))
            return Metadata.of_version(known, self._move(moved, found), self._shelf)

        return settle(attempt)

    def untag(self, name: str, alias: str) -> None:
        """Remove an alias; the version that it points at stays.

        Raises:
            InvalidNameError: the name or the alias is not allowed.
            ObjectNotFoundError: there is no such object, or (`VersionNotFoundError`) it has no such alias.
        """
        name, alias = check_name(name), check_alias(alias)

        def attempt() -> None:
            found = self._live(name)
            if alias not in found.head.aliases:
                raise no_version(self._shelf, found.head, alias)
            self._move(aliased(found.head, alias, None, Move("untag", self._author, alias)), found)

        settle(attempt)

    def drop(self, name: str, why: str = "") -> None:
        """Drop an object: its name points at nothing, and its aliases are gone.

        Its versions can be brought back by `rollback` until garbage collection takes them; their numbers are never
        given again, and a later `put` goes on counting.

        Args:
            name: the object's name.
            why: a sentence for the history.

        Raises:
            ObjectNotFoundError: there is no such object.
        """
        name = check_name(name)

        def attempt() -> None:
            found = self._live(name)
            self._move(dropped(found.head, Move("drop", self._author, why)), found)

        settle(attempt)
        self._events.tell_drop(Dropped(self.context, self.bucket, self.store, name))

    def rollback(self, name: str, to: int | str | None = None, why: str = "") -> Metadata:
        """Make an earlier version the current one; works for a dropped object too.

        Args:
            name: the object's name.
            to: a number or an alias; `None` for the version that the current one replaced when it was made, so that
                each further call goes one further back; of a dropped object, the version that was dropped.
            why: a sentence for the history.

        Returns:
            The metadata of the version that is current now.

        Raises:
            ObjectNotFoundError: nothing was ever stored under that name, or (`VersionNotFoundError`) there is no such
                version of it, or the current one replaced none.
        """
        name = check_name(name)

        def attempt() -> Metadata:
            found = self._shelf.find(name)
            if found is None:
                raise no_object(self._shelf, name)
            number = self._before(found.head) if to is None else self._number(found, check_version(to))
            moved = pointed(found.head, self._version(found, number), Move("rollback", self._author, why))
            return Metadata.of_head(self._move(moved, found), self._shelf)

        return settle(attempt)

    def _before(self, head: Head) -> int:
        """The version that the current one replaced when it was made, or that was dropped."""
        for entry in self._latest_first(head):
            made = entry.action != "rollback" and entry.before != entry.after
            if made and entry.after == head.current:
                if entry.before is not None:
                    return entry.before
                break
        asked = f"the current version of {head.name!r} in {self._shelf} replaced none"
        raise VersionNotFoundError(f"{asked}; name the one to roll back to, see versions({head.name!r})")

    def _latest_first(self, head: Head) -> Iterator[HistoryEntry]:
        yield from reversed(head.history)
        for page in self._shelf.older_moves(head):
            yield from reversed(page)

    def _move(self, moved: Moved, found: Found) -> Head:
        self.storage.commit(self._shelf.changes(moved, found.revision))
        return moved.head


def check_version(version: int | str | None) -> int | str | None:
    """A version as users name one, as it is.

    Raises:
        InvalidReferenceError: it is no number of a version.
        InvalidNameError: it is no alias.
    """
    if isinstance(version, str):
        return check_alias(version)
    return None if version is None else check_number(version)

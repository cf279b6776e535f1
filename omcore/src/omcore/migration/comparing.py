"""Whether an object of the source may go to the target, and what of it is missing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.errors import MigrationRefusedError

if TYPE_CHECKING:
    from omcore.migration.report import State
    from omcore.migration.sides import Kept
    from omcore.objects.shelf import Shelf
    from omcore.objects.versions import HistoryEntry


def compare(source: Kept, target: Kept | None, shelf: Shelf) -> State:
    """How the target has an object.

    Args:
        source: the object.
        target: what has its name in the target.
        shelf: where in the target that is, for the error.

    Raises:
        MigrationRefusedError: what the target has under that name is something else.
    """
    if target is None:
        return "new"
    theirs, ours = _moves(target), source.history
    shorter = min(len(theirs), len(ours))
    common = source.ids.keys() & target.ids.keys()
    if theirs[:shorter] != ours[:shorter] or any(source.ids[number] != target.ids[number] for number in common):
        name = source.head.name
        message = (
            f"{shelf} has an object {name!r} of its own, whose history is not the beginning of that of the {name!r} "
            "that was to be migrated, and it stays as it is; migrate into an empty context, or bucket by bucket"
        )
        raise MigrationRefusedError(message)
    if len(theirs) > len(ours):
        return "ahead"
    return "there" if len(theirs) == len(ours) and source.ids.keys() <= target.ids.keys() else "behind"


def _moves(kept: Kept) -> tuple[HistoryEntry, ...]:
    """The moves of an object; none where only what an interrupted migration had brought was collected as garbage."""
    return () if all(move.action == "purge" for move in kept.history) else kept.history

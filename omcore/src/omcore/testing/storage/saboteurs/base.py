"""What all saboteurs are: the memory storage, opened again by its place, and the name of who catches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from omcore.storage.backend import Place


class Saboteur(MemoryStorage):
    """A memory storage that keeps every promise; subclasses break one each."""

    caught_by: ClassVar[str]
    """The test of the kit that must fail."""

    @classmethod
    def opened(cls, place: Place) -> Saboteur:
        """Open the storage of a place."""
        return cls(MemoryOptions(name=f"{cls.__name__} {place.home}"), place)

"""The objects that a process keeps loaded for the tasks of a context."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

ROOM = 1 << 30
"""Stored bytes of the objects that are kept, least recently used out first."""

MOST = 64
"""How many objects are kept at most, however small."""


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    size: int


class LoadedObjects:
    """A bounded cache, safe to share between threads. The last object is kept, however large."""

    def __init__(self, room: int = ROOM) -> None:
        self._smallest, self._room = room // MOST, room
        self._lock = Lock()
        self._kept: LRUCache[Hashable, _Kept] = LRUCache(room, getsizeof=lambda kept: kept.size)

    def get(self, key: Hashable, load: Callable[[], tuple[Any, int]]) -> Any:
        """The object of that key.

        Args:
            key: whatever makes one object differ from another.
            load: loads it, if it is not here: the object, and its size in bytes as it is stored.
        """
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept.value
        value, size = load()
        with self._lock:
            self._kept[key] = _Kept(value, min(max(size, self._smallest), self._room))
        return value

"""Loaded objects are kept within bounds."""

from __future__ import annotations

from omcore.objects.loaded import MOST, LoadedObjects


def kept(objects: LoadedObjects, keys: range) -> list[int]:
    """Which of the keys need not be loaded; asking changes what is kept, so ask once."""
    loads: list[int] = []

    def load() -> tuple[None, int]:
        loads.append(key)
        return None, 1

    for key in keys:
        objects.get(key, load)
    return [key for key in keys if key not in loads]


def test_an_object_is_loaded_once_also_when_it_is_none() -> None:
    objects, loads = LoadedObjects(), list[int]()

    def load() -> tuple[None, int]:
        loads.append(1)
        return None, 10

    assert [objects.get("a", load) for _ in range(3)] == [None] * 3
    assert loads == [1]


def test_no_more_bytes_are_kept_than_there_is_room_for_and_the_last_object_always() -> None:
    objects = LoadedObjects(room=1000)
    for key in range(3):
        objects.get(key, lambda: ("x", 400))
    assert kept(objects, range(1, 3)) == [1, 2]
    objects.get("huge", lambda: ("x", 10**9))
    assert objects.get("huge", lambda: ("loaded again", 1)) == "x"


def test_however_small_only_so_many_are_kept() -> None:
    objects = LoadedObjects()
    for key in range(2 * MOST):
        objects.get(key, lambda: ("x", 1))
    assert kept(objects, range(MOST, 2 * MOST)) == list(range(MOST, 2 * MOST))
    assert kept(objects, range(1)) == []

"""S12: 10,000 pairs of valid names, distinct names, distinct objects."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from omcore.errors import CorruptRecordError, InvalidNameError
from omcore.objects import keys
from omcore.objects.names import check_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

PAIRS = 10_000
LETTERS = "abAB01éÉß\u017f\u0131\u0130\u0441 /_/_/-.%~'\"+*?#\uff41한日🚀"
TWISTS = {
    "/": "_- .",
    "_": "/-. ",
    "-": "_/",
    ".": "_/",
    " ": "_+",
    "%": "~",
    "a": "A\u0430\uff41",
    "\u0441": "c",
    "ß": "s",
    "\u0131": "i",
    "+": " ",
    "'": '"',
}


def _name(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(1, 24)))


def _twisted(name: str, chance: random.Random) -> str:
    """A name that is near: one character replaced, its case changed, doubled, or left out."""
    at = chance.choice([place for place, letter in enumerate(name) if letter in TWISTS] or [0])
    old = name[at]
    new = chance.choice([*TWISTS.get(old, "_"), old.swapcase(), old * 2, "", f"{old}%2F", f"{old}/x"])
    return f"{name[:at]}{new}{name[at + 1 :]}"


def _valid(name: str) -> str | None:
    try:
        return check_name(name)
    except InvalidNameError:
        return None


def pairs(count: int, seed: int = 12) -> Iterator[tuple[str, str]]:
    """Pairs of valid, canonically different names, most of them near each other."""
    chance = random.Random(seed)
    while count:
        first = _name(chance)
        second = _twisted(first, chance) if chance.random() < 0.9 else _name(chance)
        names = _valid(first), _valid(second)
        if names[0] and names[1] and names[0] != names[1]:
            count -= 1
            yield names[0], names[1]


def aliased(store: Any, some: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs whose two names are not two objects."""
    found = []
    for first, second in some:
        try:
            store.put(first, first)
            store.put(second, second)
            apart = store.get(first) == first and store.get(second) == second
        except CorruptRecordError:
            apart = False
        if not apart:
            found.append((first, second))
    return found


def test_the_bar_catches_a_store_whose_key_replaces_the_slash(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "name_hash", lambda name: name.replace("/", "_").encode().hex())
    assert aliased(shop(), [("a/b", "a_b")])
    assert len(aliased(shop(bucket="second"), list(pairs(1000)))) > 10


def test_the_bar_catches_a_store_that_ignores_case(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "name_hash", lambda name: name.casefold().encode().hex())
    assert len(aliased(shop(), list(pairs(1000)))) > 10


def test_two_valid_names_are_always_two_objects(shop: Any, scale: int) -> None:
    some = list(pairs(PAIRS * scale))
    store = shop()
    assert aliased(store, some) == []
    names = {name for pair in some for name in pair}
    assert store.list() == sorted(names)
    assert len({keys.head_key("omega", "datasets", name) for name in names}) == len(names)

"""The stores against a model of plain dicts, on every storage of the core."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from omcore.errors import ObjectNotFoundError, VersionConflictError, VersionNotFoundError
from omcore.objects.retention import purge
from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omcore.objects.metadata import Metadata
    from omcore.objects.store import ObjectStore
    from omcore.storage.backend import StorageBackend

NAMES = st.sampled_from(["a", "a/b", "a_b", "B", "é"])
ALIASES = st.sampled_from(["x", "y"])
VALUES = st.lists(st.sampled_from(["r", "s", "t"]), max_size=3)
ATTRIBUTES = st.none() | st.dictionaries(st.sampled_from(["k", "l"]), st.integers(0, 3), max_size=2)
NUMBERS = st.integers(1, 6)


@dataclass
class Known:
    """What the model knows of one name."""

    versions: dict[int, tuple[list[str], dict[str, int]]] = field(default_factory=dict)
    current: int | None = None
    latest: int = 0
    aliases: dict[str, int] = field(default_factory=dict)
    moves: list[tuple[str, int | None, int | None]] = field(default_factory=list)

    replaced: dict[int | None, int | None] = field(default_factory=dict)

    def move(self, action: str, to: int | None) -> None:
        self.moves.append((action, self.current, to))
        if action != "rollback" and to != self.current:
            self.replaced[to] = self.current
        self.current = to

    @property
    def before(self) -> int | None:
        return self.replaced.get(self.current)


class Stores(RuleBasedStateMachine):
    """Each rule does one thing to the store and to the model; the invariant compares all that can be read."""

    open: Callable[[Path], StorageBackend]
    shop: Callable[[StorageBackend], tuple[ObjectStore, Any]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.storage = type(self).open(self.folder)
        self.store, self.lines = type(self).shop(self.storage)
        self.known: dict[str, Known] = {}

    def teardown(self) -> None:
        self.storage.close()
        shutil.rmtree(self.folder)

    @rule(name=NAMES, value=VALUES, attributes=ATTRIBUTES, append=st.booleans())
    def put(self, name: str, value: list[str], attributes: dict[str, int] | None, append: bool) -> None:
        known = self.known.setdefault(name, Known())
        old, kept = known.versions[known.current] if known.current else ([], {})
        stored = self.store.put(self.lines(value), name, attributes, append=append)
        known.latest += 1
        assert stored.version == known.latest
        content = [*old, *value] if append else value
        known.versions[known.latest] = (content, kept if attributes is None else attributes)
        known.move("append" if append else "put", known.latest)

    @rule(name=NAMES, value=VALUES, expected=st.integers(0, 5))
    def put_expecting(self, name: str, value: list[str], expected: int) -> None:
        known = self.known.get(name, Known())
        if (known.current or 0) == expected:
            self.store.put(self.lines(value), name, {}, expected=expected)
            known = self.known.setdefault(name, known)
            known.latest += 1
            known.versions[known.latest] = (value, {})
            known.move("put", known.latest)
        else:
            with pytest.raises(VersionConflictError):
                self.store.put(self.lines(value), name, {}, expected=expected)

    @rule(name=NAMES)
    def drop(self, name: str) -> None:
        known = self.known.get(name)
        if known is None or known.current is None:
            with pytest.raises(ObjectNotFoundError):
                self.store.drop(name)
            return
        self.store.drop(name)
        known.move("drop", None)
        known.aliases = {}

    @rule(name=NAMES, to=st.none() | NUMBERS)
    def rollback(self, name: str, to: int | None) -> None:
        known = self.known.get(name)
        number = None if known is None else to or known.before
        if known is None or number not in known.versions:
            with pytest.raises(ObjectNotFoundError):
                self.store.rollback(name, to)
            return
        assert self.store.rollback(name, to).version == number
        known.move("rollback", number)

    @rule(name=NAMES, alias=ALIASES, version=st.none() | NUMBERS)
    def tag(self, name: str, alias: str, version: int | None) -> None:
        known = self.known.get(name)
        number = None if known is None or known.current is None else version or known.current
        if known is None or number not in known.versions:
            with pytest.raises(ObjectNotFoundError):
                self.store.tag(name, alias, version)
            return
        assert number is not None
        assert self.store.tag(name, alias, version).version == number
        known.move("tag", known.current)
        known.aliases[alias] = number

    @rule(name=NAMES, alias=ALIASES)
    def untag(self, name: str, alias: str) -> None:
        known = self.known.get(name)
        if known is None or alias not in known.aliases:
            with pytest.raises(ObjectNotFoundError):
                self.store.untag(name, alias)
            return
        self.store.untag(name, alias)
        known.move("untag", known.current)
        del known.aliases[alias]

    @rule()
    def purge(self) -> None:
        doomed = {name for name, known in self.known.items() if known.current is None and known.versions}
        later = datetime.now(UTC) + timedelta(days=1)
        assert {purged.name for purged in purge(self.storage, later, "gc@desk")} == doomed
        for name in doomed:
            self.known[name].move("purge", None)
            self.known[name].versions = {}

    @invariant()
    def the_store_lists_what_the_model_has(self) -> None:
        live = {name: known for name, known in self.known.items() if known.current}
        assert self.store.list() == sorted(live)
        described = {item.name: _summary(item) for item in self.store.describe()}
        assert described == {name: _expected(known, known.current) for name, known in live.items()}

    @invariant()
    def every_version_reads_back(self) -> None:
        for name, known in self.known.items():
            assert [(move.action, move.before, move.after) for move in self.store.history(name)] == known.moves
            assert self.store.exists(name) == bool(known.current)
            if not known.current:
                with pytest.raises(ObjectNotFoundError):
                    self.store.get(name)
                continue
            assert self.store.get(name) == known.versions[known.current][0]
            found = {item.version: _summary(item) for item in self.store.versions(name)}
            assert found == {number: _expected(known, number) for number in known.versions}
            for alias, number in known.aliases.items():
                assert self.store.get(f"{name}@{alias}") == known.versions[number][0]

    @invariant()
    def a_number_that_was_never_given_is_no_version(self) -> None:
        for name, known in self.known.items():
            assert not self.store.exists(name, known.latest + 1)
            if known.current:
                with pytest.raises(VersionNotFoundError):
                    self.store.metadata(name, known.latest + 1)


def _summary(item: Metadata) -> tuple[Any, ...]:
    return item.version, item.current, dict(item.attributes), item.rows, item.aliases


def _expected(known: Known, number: int | None) -> tuple[Any, ...]:
    value, attributes = known.versions[number or 0]
    aliases = tuple(sorted(alias for alias, at in known.aliases.items() if at == number))
    return number, number == known.current, attributes, len(value), aliases


def _run(machine: type[Stores], examples: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=phases,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(machine, settings=chosen)


def test_a_store_in_memory_is_as_a_dict(shop: Any, scale: int) -> None:
    class InMemory(Stores):
        open = staticmethod(lambda folder: MemoryStorage(MemoryOptions(), Place("test", folder)))
        shop = staticmethod(lambda storage: (maker(storage=storage), maker.lines))

    maker = shop
    _run(InMemory, 40 * scale)


def test_an_embedded_store_is_as_a_dict(shop: Any, scale: int) -> None:
    class Embedded(Stores):
        open = staticmethod(
            lambda folder: EmbeddedStorage(EmbeddedOptions(durability="process"), Place("test", folder))
        )
        shop = staticmethod(lambda storage: (maker(storage=storage), maker.lines))

    maker = shop
    _run(Embedded, 10 * scale)


def test_the_model_catches_a_store_that_loses_attributes(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class InMemory(Stores):
        open = staticmethod(lambda folder: MemoryStorage(MemoryOptions(), Place("test", folder)))
        shop = staticmethod(lambda storage: (maker(storage=storage), maker.lines))

    maker = shop
    stage = maker().__class__.stage

    def forgetful(self: ObjectStore, value: Any, name: str, attributes: Any = None, **rest: Any) -> Any:
        return stage(self, value, name, attributes or {}, **rest)

    monkeypatch.setattr(maker().__class__, "stage", forgetful)
    with pytest.raises(AssertionError):
        _run(InMemory, 200, [Phase.generate])  # nobody reads a short example

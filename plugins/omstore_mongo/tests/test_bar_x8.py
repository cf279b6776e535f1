"""Bar X8: whatever is asked in a filter, no operator but ours reaches the driver, and no value becomes one."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pymongo import monitoring

from omcore.errors import OmError
from omcore.objects.filters import All, Condition, Either, compile_filter
from omstore_mongo import filters
from omstore_mongo.queries import OPERATORS

from .natives import DATA, datasets, opened
from .opening import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from omcore.objects.filters import Filter
    from omcore.objects.store import ObjectStore
    from tests.services.mongod import Mongod

USUAL = 500
FORBIDDEN = (
    *("$where", "$function", "$expr", "$accumulator", "$lookup", "$out", "$merge", "$jsonSchema", "$text", "$comment"),
    *("$ne", "$gt", "$exists", "$regex", "$in", "$or", "$not", "$eval", "$rename", "$set", "$elemMatch", "$mod"),
)
CODE = "function() { return true }"


class Wire(monitoring.CommandListener):
    """Keeps what the driver sends to look for something."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.looked_at = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.asked.append(event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing is asked here."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing is asked here."""

    def strange(self) -> list[str]:
        """What was sent as an operator since the last look, and is none of ours."""
        found = [name for command in self.asked for name in operators(command.get("filter", {}))]
        found += [name for command in self.asked for name in command.get("projection", {}) if name.startswith("$")]
        self.looked_at += len(self.asked)
        self.asked.clear()
        return [name for name in found if name not in OPERATORS]


def operators(query: Any) -> Iterator[str]:
    """Every name in a query that begins with `$`, and code wherever it stands."""
    if isinstance(query, dict):
        for name, value in query.items():
            if name.startswith("$"):
                yield name
            yield from operators(value)
    elif isinstance(query, list | tuple):
        for value in query:
            yield from operators(value)
    elif type(query).__name__ in {"Code", "Regex", "DBRef", "Pattern"}:
        yield f"a {type(query).__name__}"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def store(server: Mongod, tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A store with a live collection and a frame that is kept as documents, whose driver tells what it sends."""
    with monkeypatch.context() as patch:
        patch.setattr("omstore_mongo.connection.MongoClient", listening(wire))
        storage = opened(server, tmp_path / "a")
        with storage, server.client() as client:
            client[DATA]["attacked"].drop()
            client[DATA]["attacked"].insert_one({"_id": 1, "x": 1, "t": "text", "$where": CODE})
            found = datasets(storage)
            found.put(client[DATA]["attacked"], "live")
            found.put(pd.DataFrame({"x": [1], "t": ["text"]}), "documents", kind="mongo.documents")
            wire.asked.clear()
            yield found


def listening(wire: Wire) -> Any:
    from pymongo import MongoClient

    return lambda *arguments, **options: MongoClient(*arguments, event_listeners=[wire], **options)


def attacks(seed: int) -> Iterator[Any]:
    """Filters without end, most of them nested, each with something that is forbidden, in every place there is."""
    chance = random.Random(seed)
    while True:
        yield _nested(chance, chance.randint(0, 4))


def _nested(chance: random.Random, depth: int) -> Any:
    """A filter; where it cannot even be made, what somebody would give instead of one."""
    if not depth:
        return _attack(chance)
    members = [_nested(chance, depth - 1) for _ in range(chance.randint(1, 3))]
    try:
        made = tuple(compile_filter(member) for member in members)
        return chance.choice([All, Either])(made)  # type: ignore[arg-type]
    except OmError:
        return {chance.choice(["$and", "$or", "$nor"]): members}


def _attack(chance: random.Random) -> Any:
    operator = chance.choice(FORBIDDEN)
    value: Any = chance.choice([CODE, 1, "x", {operator: CODE}, [{operator: 1}], {"$gt": ""}])
    column = chance.choice(["x", "t", "x.y", operator, f"x.{operator}", f"{operator}.x", "\0", "_id", "$where"])
    suffix = chance.choice(["", "__gt", "__in", "__contains", "__iexact", "__between", "__isnull", "__ne"])
    shapes: list[Any] = [
        {f"{column}{suffix}": value},
        {column: {operator: value}},
        {operator: value},
        {f"x__{operator}": value},
        {f"t{suffix}": operator},
        {f"t{suffix}": f".*{operator}"},
        {f"not__{column}{suffix}": value},
    ]
    return chance.choice(shapes)


def test_no_operator_of_a_user_reaches_the_driver(store: ObjectStore, wire: Wire, scale: int) -> None:
    refused = 0
    for number, attack in zip(range(USUAL * scale), attacks(0), strict=False):
        name = ("live", "documents")[number % 2]
        try:
            store.get(name, filter=attack, columns=["$where"] if number % 50 == 0 else None)
        except OmError:
            refused += 1
        assert wire.strange() == [], attack
    assert wire.looked_at, "nothing was sent at all, so that nothing was tried"
    assert refused < USUAL * scale, "every filter was refused, so that no query was looked at"


def test_the_bar_notices_a_name_that_becomes_an_operator(
    store: ObjectStore, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "checked_path", lambda column: column)
    monkeypatch.setattr("omstore_mongo.collections.checked_path", lambda column: column)
    assert any(_noticed(store, wire, attack) for _, attack in zip(range(USUAL), attacks(0), strict=False))


def test_the_bar_notices_a_value_that_becomes_an_operator(
    store: ObjectStore, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(asked: Filter) -> dict[str, Any]:
        assert isinstance(asked, Condition)
        return {asked.column: {f"${asked.operator}": asked.value}}

    monkeypatch.setattr("omstore_mongo.collections.query_of", careless)
    assert _noticed(store, wire, {"x__contains": "a"})


def _noticed(store: ObjectStore, wire: Wire, attack: Any) -> bool:
    with suppress(OmError):
        store.get("live", filter=attack)
    return bool(wire.strange())


def test_what_is_kept_under_the_name_of_an_operator_stays_out_of_reach(store: ObjectStore, server: Mongod) -> None:
    assert store.get("live")["$where"].tolist() == [CODE]
    with server.client() as client:
        assert client[DATABASE].command("ping")["ok"]
    with pytest.raises(OmError):
        store.get("live[$where]")

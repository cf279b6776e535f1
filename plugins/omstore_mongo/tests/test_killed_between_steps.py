"""A writer that dies before any of its messages has changed all or nothing, and stands in nobody's way for long."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import monitoring

from omcore.storage.backend import Change, Delete, Place, Put
from omcore.testing.storage.saboteurs.shadow import HeadFirst, Shadow
from omstore_mongo.storage import MongoStorage

from .opening import options_of

if TYPE_CHECKING:
    from pathlib import Path

    from omstore_mongo.options import MongoOptions
    from tests.services.mongod import Mongod

DIED = 7
STEPS_AT_ONCE = 4

OLD = {"head": {"n": 1}, "old": {"n": 1}}
NEW = {"head": {"n": 2}, "new": {"n": 2}}


class Fuse(monitoring.CommandListener):
    """Ends the process before it sends one of its messages."""

    def __init__(self) -> None:
        self.left: int | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                os._exit(DIED)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def write(options: MongoOptions, place: Place, step: int, kind: type[Shadow]) -> None:
    fuse = Fuse()
    monitoring.register(fuse)
    with kind(MongoStorage(options, place)) as storage:
        old = {record.key: record.revision for record in storage.find_records("")}
        fuse.left = step
        storage.commit([Put("new", {"n": 2}, None), Put("head", {"n": 2}, old["head"]), Delete("old", old["old"])])
        fuse.left = None


@dataclass(frozen=True)
class Seen:
    """What a reader saw after a writer had died, or not."""

    died: bool
    bodies: dict[str, dict[str, Any]]


def kill_before(server: Mongod, place: Place, step: int, kind: type[Shadow] = Shadow) -> Seen:
    """Let a writer die before it sends its message of that number, and say what is there; others write in time."""
    options = options_of(server, place)
    with MongoStorage(options, place) as storage:
        storage.commit([Put(key, body, None) for key, body in OLD.items()])
        writer = multiprocessing.get_context("forkserver").Process(target=write, args=(options, place, step, kind))
        writer.start()
        writer.join()
        assert writer.exitcode in (0, DIED)
        seen = {record.key: record for record in storage.scan_records("")}
        bodies = {key: record.body for key, record in seen.items()}
        assert {key: record.body for key, record in storage.get_records([*OLD, *NEW]).items()} == bodies
        changes: list[Change] = [Put(key, {"n": 3}, seen[key].revision) for key in seen]
        changes += [Put(key, {"n": 3}, None) for key in {*OLD, *NEW} - {*seen}]
        storage.commit(changes)
        assert [record.body for record in storage.scan_records("")] == [{"n": 3}] * 3
        return Seen(writer.exitcode == DIED, bodies)


def kill_at_every_step(server: Mongod, folder: Path) -> list[Seen]:
    """Until a writer lives through all of it."""
    seen: list[Seen] = []
    with ThreadPoolExecutor(STEPS_AT_ONCE) as pool:
        while not seen or seen[-1].died:
            steps = range(len(seen), len(seen) + STEPS_AT_ONCE)
            seen += pool.map(lambda step: kill_before(server, Place("steps", folder / str(step)), step), steps)
    return seen


@pytest.mark.parametrize("server", ["replica_set", "standalone"], indirect=True)
def test_whenever_a_writer_dies_readers_see_all_or_nothing_and_others_soon_write(
    server: Mongod, tmp_path: Path
) -> None:
    seen = kill_at_every_step(server, tmp_path)
    for n, one in enumerate(seen):
        print(n, one)
    assert [one.bodies for one in seen if one.bodies not in (OLD, NEW)] == []
    assert [one.died for one in seen] == sorted((one.died for one in seen), reverse=True)
    assert seen[0].bodies == OLD
    assert seen[-1].bodies == NEW
    assert sum(one.died for one in seen) >= 2


def test_dying_between_messages_catches_a_planted_defect(replica_set: Mongod, tmp_path: Path) -> None:
    seen = [kill_before(replica_set, Place("planted", tmp_path / str(step)), step, HeadFirst) for step in (1, 2)]
    assert [one.bodies in (OLD, NEW) for one in seen] == [False, False]

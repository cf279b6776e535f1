"""Which processes live, as others see it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.sessions import BEAT, LIFETIME, PREFIX, Session, has_ended, is_gone, lives_here, living

if TYPE_CHECKING:
    from omcore.storage.memory import MemoryStorage

    from .world import Clock


@pytest.fixture
def session(storage: MemoryStorage, clock: Clock) -> Session:
    return Session(storage, clock)


def test_a_process_is_seen_from_its_first_task_until_it_goes(
    storage: MemoryStorage, session: Session, clock: Clock
) -> None:
    assert living(storage, clock.time) == frozenset()
    assert session.open() == session.open() == session.id
    assert living(storage, clock.time) == {session.id}
    session.close()
    assert living(storage, clock.time) == frozenset()
    session.close()


def test_a_process_that_gives_signs_of_life_is_seen_for_ever_and_writes_rarely(
    storage: MemoryStorage, session: Session, clock: Clock
) -> None:
    session.open()
    revisions = set()
    for _ in range(100):
        clock.time += BEAT / 5
        session.beat()
        revisions.add(storage.find_records(PREFIX)[0].revision)
        assert living(storage, clock.time) == {session.id}
    assert len(revisions) <= 21


def test_a_process_that_says_nothing_is_taken_for_dead_and_cleared_away_later(
    storage: MemoryStorage, session: Session, clock: Clock
) -> None:
    session.open()
    clock.time += LIFETIME
    assert living(storage, clock.time) == {session.id}
    clock.time += 1
    assert living(storage, clock.time) == frozenset()
    assert len(storage.find_records(PREFIX)) == 1
    clock.time += 10 * LIFETIME
    living(storage, clock.time)
    assert list(storage.find_records(PREFIX)) == []


def test_a_process_that_slept_too_long_is_seen_again(storage: MemoryStorage, session: Session, clock: Clock) -> None:
    session.open()
    clock.time += 20 * LIFETIME
    living(storage, clock.time)
    session.beat()
    assert living(storage, clock.time) == {session.id}
    session.close()
    assert living(storage, clock.time) == frozenset()


def test_a_process_that_was_cleared_away_closes_all_the_same(
    storage: MemoryStorage, session: Session, clock: Clock
) -> None:
    session.open()
    clock.time += 20 * LIFETIME
    living(storage, clock.time)
    session.close()
    assert not session.is_open


def test_a_process_has_ended_when_it_was_closed_or_is_no_more(
    storage: MemoryStorage, session: Session, clock: Clock
) -> None:
    assert has_ended(storage, session.id)
    session.open()
    clock.time += 20 * LIFETIME
    assert not has_ended(storage, session.id)
    session.close()
    assert has_ended(storage, session.id)
    assert has_ended(storage, "")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    for host, gone in ((platform.node(), True), ("elsewhere", False)):
        storage.put_record(f"{PREFIX}{host}", {"host": host, "pid": process.pid, "until": clock.time}, None)
        assert has_ended(storage, host) is gone


@pytest.mark.parametrize(
    ("process", "lives", "gone"),
    [
        pytest.param(f"{platform.node()}:{os.getpid()}", True, False, id="this one"),
        pytest.param(f"{platform.node()}:999999999", False, True, id="one that is no more"),
        pytest.param(f"elsewhere:{os.getpid()}", False, False, id="one of another machine"),
        pytest.param(f"{platform.node()}:executor-7", False, False, id="no process"),
        pytest.param("", False, False, id="nobody"),
    ],
)
def test_only_of_this_machine_is_it_known_who_lives(process: str, lives: bool, gone: bool) -> None:
    assert (lives_here(process), is_gone(process)) == (lives, gone)

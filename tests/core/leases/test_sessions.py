"""Which processes live, as others see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.runtimes.sessions import BEAT, LIFETIME, PREFIX, Session, living

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

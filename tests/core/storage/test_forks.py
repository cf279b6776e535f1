"""A process may fork at any moment, whatever its other threads do with the storage."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.forks import ForkGate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

FORKS = 100


def test_a_fork_waits_for_the_other_threads_and_keeps_them_out() -> None:
    gate, entered, leave, left = ForkGate(), threading.Event(), threading.Event(), threading.Event()

    def stay() -> None:
        with gate:
            entered.set()
            assert leave.wait(60)
            left.set()

    thread = threading.Thread(target=stay)
    thread.start()
    assert entered.wait(60)
    threading.Timer(0.05, leave.set).start()
    child = os.fork()
    if child == 0:  # pragma: no cover -- the child is not measured
        with gate:
            os._exit(0 if left.is_set() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()
    with gate, gate:  # a thread that is inside may fork, too
        child = os.fork()
        if child == 0:  # pragma: no cover
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_child_can_use_the_storage_however_busy_the_parent_is(tmp_path: Path, scale: int) -> None:
    place = Place("forked", tmp_path)
    done = threading.Event()

    def use() -> None:
        while not done.is_set():
            with EmbeddedStorage(EmbeddedOptions(durability="process"), place) as storage:
                storage.get_record("key")

    threads = [threading.Thread(target=use) for _ in range(3)]
    with EmbeddedStorage(EmbeddedOptions(durability="process"), place) as storage:
        storage.put_record("key", {"a": 1}, None)
        for thread in threads:
            thread.start()
        try:
            for _ in range(FORKS * scale):
                child = os.fork()
                if child == 0:  # pragma: no cover
                    _read_in_child(storage, place)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            done.set()
            for thread in threads:
                thread.join()


def _read_in_child(inherited: EmbeddedStorage, place: Place) -> None:  # pragma: no cover
    status = 1
    try:
        with EmbeddedStorage(EmbeddedOptions(), place) as storage:
            status = 0 if storage.get_record("key") and inherited.get_record("key") else 1
    finally:
        os._exit(status)

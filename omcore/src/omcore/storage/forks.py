"""A fork copies the locks of native code as they are: one that another thread holds is never released in the child."""

from __future__ import annotations

import os
import weakref
from collections import Counter
from threading import Condition, get_ident

PATIENCE = 5.0
"""Seconds that a fork waits for other threads at most; then it happens all the same."""


class ForkGate:
    """Lets a fork happen while no other thread is in native code that has locks of its own.

    Use it as a context manager around every use of such code; a thread may enter again while it is inside.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._inside: Counter[int] = Counter()
        _shut_at_forks(weakref.ref(self))

    def __enter__(self) -> None:
        with self._condition:
            self._inside[get_ident()] += 1

    def __exit__(self, *_: object) -> None:
        thread = get_ident()
        with self._condition:
            self._inside[thread] -= 1
            if not self._inside[thread]:
                del self._inside[thread]
            self._condition.notify_all()

    def shut(self) -> None:
        """Wait until no other thread is inside, and let none in before `open`."""
        self._condition.acquire()
        self._condition.wait_for(lambda: not self._inside.keys() - {get_ident()}, PATIENCE)

    def open(self) -> None:
        """Let threads in again."""
        self._condition.release()

    def open_in_child(self) -> None:
        """The same in a process that has no other thread."""
        me = get_ident()
        self._inside = Counter({me: self._inside[me]} if me in self._inside else {})
        self._condition.release()


def _shut_at_forks(reference: weakref.ref[ForkGate]) -> None:
    shut: list[ForkGate] = []

    def before() -> None:
        if gate := reference():
            gate.shut()
            shut.append(gate)

    def in_parent() -> None:
        while shut:
            shut.pop().open()

    def in_child() -> None:
        while shut:
            shut.pop().open_in_child()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)

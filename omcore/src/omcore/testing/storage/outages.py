"""Take the server away while several processes write, again and again, and look at what each time leaves.

The writers publish versions as the core does. A call that ends with `StorageUnavailableError` has said so: its writer
looks at what there is, and goes on. Any other error is a problem, and so is

- what is *torn*: a head points at a version that is not there, or whose bytes are not;
- what is *lost*: a version that was acknowledged is above the head.

    for outage in islice(outages(open_storage, kill_and_start_again, seed=1), 50):
        assert outage.problems == ()
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Self

from omcore.errors import StorageUnavailableError
from omcore.testing.storage.crash import PATIENCE, SIZES, lost, torn, torn_blobs, write_next

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from omcore.testing.storage.crash import OpenAnywhere

WRITERS = 3
"""Processes that write at the same time, each versions of its own."""

LONGEST = 0.5
"""Seconds of undisturbed writing before the server goes, at most."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What one outage showed.

    Attributes:
        acknowledged: versions that the writers said were stored since the last outage.
        interrupted: calls that said that they could not reach the storage.
        problems: what was torn or lost, and errors that nobody announced, a sentence each.
    """

    acknowledged: int
    interrupted: int
    problems: tuple[str, ...]


def outages(open_storage: OpenAnywhere, interrupt: Callable[[], object], seed: int) -> Iterator[Outage]:
    """Let processes write, interrupt the server, wait until each writes again; for ever, so take what you need.

    Args:
        open_storage: opens the same storage in every process.
        interrupt: takes the server away; when it returns, the server is there again.
        seed: of the moments at which it is called.
    """
    dice = random.Random(seed)  # noqa: S311 -- not a secret
    with _Crew(open_storage, WRITERS) as crew:
        crew.hear_from_all()
        while True:
            crew.listen(dice.uniform(0, LONGEST))
            interrupt()
            crew.hear_from_all()
            with open_storage() as storage:
                problems = (*crew.problems, *lost(storage, crew.heads), *torn(storage, crew.heads))
            yield Outage(crew.acknowledged, crew.interrupted, problems)
            crew.forget()


def half_blobs(open_storage: OpenAnywhere) -> list[str]:
    """What is not whole of all that the outages left."""
    with open_storage() as storage:
        return [*torn_blobs(storage)]


class _Crew:
    """Processes that write, and what they have said."""

    def __init__(self, open_storage: OpenAnywhere, number: int) -> None:
        self._open = open_storage
        self._number = number
        self._senders: list[Connection] = []
        self._life = ExitStack()
        self.heads: dict[int, int] = {}
        self.forget()

    def forget(self) -> None:
        """Begin to count anew."""
        self.acknowledged = self.interrupted = 0
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        for number in range(self._number):
            receiver, sender = context.Pipe(duplex=False)
            sizes = [size + 4 * number for size in SIZES]
            writer = context.Process(target=_write_on, args=(self._open, sizes, sender), daemon=True)
            writer.start()
            sender.close()
            self._senders.append(receiver)
            self._life.callback(receiver.close)
            self._life.callback(writer.join)
            self._life.callback(writer.kill)
        return self

    def __exit__(self, *_: object) -> None:
        self._life.close()

    def listen(self, seconds: float) -> set[Connection]:
        """Take in what is said in that time; say who stored something."""
        end = time.monotonic() + seconds
        heard = set()
        while (rest := end - time.monotonic()) > 0:
            heard |= {one for one in self._ready(rest) if self._take(one)}
        return heard

    def hear_from_all(self) -> None:
        """Wait until every writer has stored something that it began after this call, or given up."""
        for _ in range(2):  # what is said first may have been stored before
            missing = set(self._senders)
            end = time.monotonic() + PATIENCE
            while missing and not self.problems:
                missing -= {one for one in self._ready(end - time.monotonic()) if self._take(one)}
                if time.monotonic() > end:
                    self.problems.append(f"{len(missing)} writers stored nothing for {PATIENCE} seconds")

    def _ready(self, seconds: float) -> Sequence[Connection]:
        return [one for one in wait(self._senders, max(seconds, 0)) if isinstance(one, Connection)]

    def _take(self, sender: Connection) -> bool:
        """Note what one has to say; say whether it has stored something."""
        try:
            said = sender.recv()
        except EOFError:
            self._senders.remove(sender)
            said = "a writer has died"
        if isinstance(said, str):
            self.problems.append(said)
        elif said is None:
            self.interrupted += 1
        else:
            self.acknowledged += 1
            self.heads |= dict([said])
        return isinstance(said, tuple)


def _write_on(open_storage: OpenAnywhere, sizes: Sequence[int], sender: Connection) -> None:
    storage = open_storage()
    for size in itertools.cycle(sizes):
        try:
            sender.send((size, write_next(storage, size)))
        except StorageUnavailableError:
            sender.send(None)
        except Exception as error:
            sender.send(f"a writer that nobody disturbed was told {type(error).__name__}: {error}")
            raise

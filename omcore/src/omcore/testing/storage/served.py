"""What holds when the server or the line to it fails; for every storage that has a server, in the same way.

class TestMyStorageWithABadServer(ServedBars):
@pytest.fixture
def server(self, tmp_path):
with MyServer(tmp_path) as server:
yield server

@pytest.fixture
def open_at(self, server):
return lambda port, place: partial(MyStorage, MyStorage.Options(port=port), place)
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

import pytest

from omcore.errors import StorageUnavailableError
from omcore.storage.backend import Place, Put, StorageBackend
from omcore.testing.storage.bars import BarKit
from omcore.testing.storage.crash import OpenAnywhere
from omcore.testing.storage.fixtures import FUTURE
from omcore.testing.storage.outages import half_blobs, outages
from omcore.testing.storage.saboteurs.shadow import AcknowledgesEarly, spoiled
from omcore.testing.storage.trials import RepeatsItself, Trial, over_a_bad_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SPARE = 10.0
"""Seconds by which a busy machine may be late, beside the timeout."""

USES: Mapping[str, Callable[[StorageBackend, str], object]] = {
    "get": lambda storage, _: storage.get_record("key"),
    "list": lambda storage, _: storage.find_records(""),
    "put": lambda storage, _: storage.put_record("key", {}, None),
    "commit": lambda storage, _: storage.commit([Put("key", {}, None), Put("other", {}, None)]),
    "write a blob": lambda storage, _: storage.write_blob([b"x" * 3_000_000]),
    "read a blob": lambda storage, digest: storage.open_blob(digest).read(),
    "look for a blob": lambda storage, digest: storage.has_blob(digest),
    "collect": lambda storage, digest: storage.delete_blob(digest, FUTURE),
}
"""What may be asked of a server that does not answer."""


class Server(Protocol):
    """The server of a storage, of this test alone."""

    @property
    def port(self) -> int:
        """Where it listens; it does so again after it was started again."""
        ...

    def kill(self) -> None:
        """End it as a lost machine does."""
        ...

    def start(self) -> None:
        """Start it on the same data and port, and wait until it answers."""
        ...

    def signal(self, number: int) -> None:
        """Send it a signal."""
        ...


OpenAt: TypeAlias = Callable[[int, Place], OpenAnywhere]
"""Gives what opens the storage of a place, through a port of this machine, in any process."""


class ServedKit(BarKit):
    """What every bar of a server is given."""

    timeout: ClassVar[float] = 1.5
    """Seconds after which a storage that `open_impatiently` opens gives up."""

    @pytest.fixture
    def server(self) -> Server:
        """The server of the storage under test; override this fixture."""
        raise NotImplementedError("override the fixture `server`: a server that this test may kill")

    @pytest.fixture
    def open_at(self) -> OpenAt:
        """How to open the storage under test through a port; override this fixture."""
        raise NotImplementedError("override the fixture `open_at`: from a port and a Place, what opens it anywhere")

    @pytest.fixture
    def open_impatiently(self) -> OpenAt:
        """The same, so that a call is given up after `timeout`; override this fixture."""
        raise NotImplementedError("override the fixture `open_impatiently`: like `open_at`, with a short timeout")


class OutageBar(ServedKit):
    """S3: a server that is killed at any moment tears nothing, and loses nothing that was acknowledged."""

    kills: ClassVar[int] = 5
    """How often the server is killed, usually."""

    def test_outages_catch_a_planted_defect(self, open_at: OpenAt, server: Server, place: Place) -> None:
        """If this fails, the bar cannot see what it is for: check that the server is gone when it is killed."""
        found = outages(
            spoiled(AcknowledgesEarly, open_at(server.port, place)), partial(_kill_and_start, server), seed=3
        )
        assert any(outage.problems for outage in islice(found, 20))

    def test_outages_tear_nothing_and_lose_nothing(
        self, open_at: OpenAt, server: Server, places: Iterator[Place], length: int
    ) -> None:
        """If this fails, check that a write is acknowledged when it is on disk, and what is repeated, and how."""
        open_storage = open_at(server.port, next(places))
        found = list(islice(outages(open_storage, partial(_kill_and_start, server), seed=4), self.kills * length))
        assert [problem for outage in found for problem in outage.problems] == []
        assert half_blobs(open_storage) == []

    def test_after_an_outage_an_opened_storage_works_on(self, open_at: OpenAt, server: Server, place: Place) -> None:
        """If this fails, check that a connection that is lost is made anew."""
        with open_at(server.port, place)() as storage:
            digest = storage.write_blob([b"content" * 200_000]).digest
            revision = storage.put_record("key", {"n": 1}, None)
            _kill_and_start(server)
            with storage.open_blob(digest) as file:
                assert file.read() == b"content" * 200_000
            assert storage.put_record("key", {"n": 2}, revision) != revision


class LineBar(ServedKit):
    """S4: whatever a line loses, each change is made exactly once, or the caller is told that nobody knows."""

    faults: ClassVar[int] = 50
    """Messages that meet a fault, usually."""

    lines: ClassVar[int] = 5
    """Lines that are bad at the same time, each with a storage of its own."""

    markers: ClassVar[Sequence[bytes]] = ()
    """What is in messages that it takes to change several records together, beside their keys."""

    def trials(self, open_through: Callable[[int], StorageBackend], port: int, faults: int) -> Sequence[Trial]:
        """Let so many messages meet a fault, on all lines together, and say what came of it on each."""
        each = -(-faults // self.lines)
        with ThreadPoolExecutor(self.lines) as pool:
            return list(
                pool.map(lambda seed: over_a_bad_line(open_through, port, each, seed, self.markers), range(self.lines))
            )

    def test_a_bad_line_catches_a_planted_defect(self, open_at: OpenAt, server: Server, place: Place) -> None:
        """If this fails, the bar cannot see what it is for: check that `open_at` uses the port that it is given."""
        trials = self.trials(lambda port: RepeatsItself(open_at(port, place)()), server.port, 25)
        assert any(trial.problems for trial in trials)

    def test_over_a_bad_line_each_change_is_made_exactly_once(
        self, open_at: OpenAt, server: Server, place: Place, length: int
    ) -> None:
        """If this fails, check what your driver repeats by itself, and how you find out that a change was made."""
        trials = self.trials(lambda port: open_at(port, place)(), server.port, self.faults * length)
        assert [problem for trial in trials for problem in trial.problems] == []
        assert [trial.unknown for trial in trials] == [0] * self.lines


class PatienceBar(ServedKit):
    """A server that is slow or not there ends a call within the timeout, in one sentence."""

    @pytest.mark.parametrize("use", sorted(USES))
    def test_a_server_that_does_not_answer_is_given_up_in_time(
        self, open_impatiently: OpenAt, server: Server, place: Place, use: str
    ) -> None:
        """If this fails, check that every call has an end, and says what was asked of whom."""
        with open_impatiently(server.port, place)() as storage:
            digest = storage.write_blob([b"content" * 300_000]).digest
            server.signal(signal.SIGSTOP)
            try:
                self._is_given_up(lambda: USES[use](storage, digest))
            finally:
                server.signal(signal.SIGCONT)
            assert storage.put_record("after", {}, None)

    def test_a_server_that_is_not_there_is_said_at_the_opening(
        self, open_impatiently: OpenAt, server: Server, place: Place
    ) -> None:
        """If this fails, check what the constructor does when nobody listens."""
        server.kill()
        try:
            self._is_given_up(open_impatiently(server.port, place))
        finally:
            server.start()

    def _is_given_up(self, act: Callable[[], object]) -> None:
        begun = time.monotonic()
        with pytest.raises(StorageUnavailableError) as caught:
            act()
        assert time.monotonic() - begun < 2 * self.timeout + SPARE
        assert "\n" not in str(caught.value)


class ServedBars(OutageBar, LineBar, PatienceBar):
    """All of them: inherit this, and override the fixtures."""


def _kill_and_start(server: Server) -> None:
    server.kill()
    server.start()

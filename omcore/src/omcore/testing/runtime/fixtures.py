"""What every test of the kit is given: runtimes, tasks that wait for the test, and the list of known gaps."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

import pytest

from omcore.runtimes.backend import Delivery, RuntimeBackend, WorkerEntry
from omcore.testing import workloads
from omcore.testing.patience import Patient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.runtimes.backend import EngineHandle

T = TypeVar("T")

StartRuntime: TypeAlias = Callable[[WorkerEntry, Sequence[frozenset[str]]], AbstractContextManager[RuntimeBackend]]
"""Starts a runtime with one worker for each set of labels. A `RuntimeBackend` is a context manager itself."""

SECRET = "open-sesame-2f81c6"  # noqa: S105 - nothing but the kit's own marker
"""What the contexts of the kit's workers hold, and what must show nowhere."""

ENTRY = WorkerEntry(workloads.execute, workloads.prepare, f'{{"secret": "{SECRET}"}}'.encode())
"""What the workers of the kit call."""

PLAIN: frozenset[str] = frozenset()
"""A worker that offers no label."""


class Stage:
    """A folder by which held tasks and the test tell each other where they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def started(self, name: str) -> list[int]:
        """The process that ran it, once for each time it was started."""
        path = self.folder / f"{name}.started"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def finished(self, name: str) -> bool:
        """Whether a held task went on to its end."""
        return (self.folder / f"{name}.finished").exists()

    def marks(self) -> list[str]:
        """What the `mark` tasks wrote, in their order."""
        path = self.folder / "marks"
        return path.read_text().split() if path.exists() else []

    def release(self, name: str) -> None:
        """Let one held task go on."""
        (self.folder / f"{name}.go").touch()

    def release_all(self) -> None:
        """Let every held task go on."""
        (self.folder / workloads.RELEASE_ALL).touch()


class RuntimeKit(Patient):
    """The base of the kit's classes. Plain, not abstract: pytest leaves abstract classes out without a word."""

    starts_workers: ClassVar[bool] = True
    """Whether the runtime starts its workers itself, and so prepares them."""

    @pytest.fixture
    def start_runtime(self) -> StartRuntime:
        """How to start the runtime under test; override this one fixture."""
        raise NotImplementedError(
            "override the fixture `start_runtime`: return a function from a WorkerEntry and a list of sets of labels "
            "to your runtime, with one worker for each set"
        )

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        """Where held tasks meet the test."""
        folder = tmp_path / "stage"
        folder.mkdir()
        return Stage(folder)

    @pytest.fixture
    def runtime_with(self, start_runtime: StartRuntime, stage: Stage) -> Iterator[Callable[..., RuntimeBackend]]:
        """Starts a runtime with a worker for each set of labels; held tasks are let go before it is closed."""
        with ExitStack() as stack:

            def start(*offers: frozenset[str]) -> RuntimeBackend:
                runtime = stack.enter_context(start_runtime(ENTRY, offers))
                stack.callback(stage.release_all)
                return runtime

            yield start

    @pytest.fixture
    def runtime(self, runtime_with: Callable[..., RuntimeBackend]) -> RuntimeBackend:
        """A runtime with one worker."""
        return runtime_with(PLAIN)

    # --- what tests do again and again

    def send(
        self,
        runtime: RuntimeBackend,
        envelope: bytes,
        *require: str,
        task_id: str | None = None,
        timeout: float | None = None,
    ) -> EngineHandle:
        """Submit an envelope, under a new id unless one is given."""
        return runtime.submit(Delivery(task_id or new_id(), envelope, frozenset(require), timeout))

    def hold(self, runtime: RuntimeBackend, stage: Stage, name: str, *require: str) -> EngineHandle:
        """Submit a task that says it has started and then waits; its id is its name."""
        envelope = workloads.envelope("hold", folder=str(stage.folder), name=name)
        return self.send(runtime, envelope, *require, task_id=name)

    def held(self, runtime: RuntimeBackend, stage: Stage, name: str, *require: str) -> EngineHandle:
        """Submit such a task and wait until it has started."""
        handle = self.hold(runtime, stage, name, *require)
        self.until(lambda: stage.started(name), f"task {name!r} is never started")
        return handle

    def outcome(self, handle: EngineHandle) -> bytes:
        """Wait for a task, and give its outcome."""
        self.final(handle)
        return handle.outcome()

    def final(self, handle: EngineHandle) -> None:
        """Wait until a state is final."""
        waiting = background(handle.wait, self.patience)
        assert waiting.result(2 * self.patience), (
            f"the state of a task is still {handle.state} after {self.patience} seconds"
        )

    def check_that_it_serves(self, runtime: RuntimeBackend, *require: str) -> None:
        """Run one more task to its end."""
        envelope = workloads.envelope("echo")
        assert self.outcome(self.send(runtime, envelope, *require)) == envelope


def background(act: Callable[..., T], *arguments: Any) -> Future[T]:
    """Call something in a thread that hinders nobody's end, in case it never returns."""
    future: Future[T] = Future()

    def call() -> None:
        try:
            future.set_result(act(*arguments))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return future


_NUMBERS = count()


def new_id() -> str:
    """An id that no other task of this run has."""
    return f"kit-{os.getpid()}-{next(_NUMBERS)}"

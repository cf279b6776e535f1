"""What every test of the kit is given: a context, a bucket of its own, and tasks that wait for the test."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import pytest

from omcore.testing.acting import Actor
from omcore.testing.acts import SCRIPT
from omcore.testing.patience import Patient
from omcore.testing.runtime.fixtures import PLAIN, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.scope import Scope
    from omcore.runtimes.task import State
    from omcore.testing.tasks.contexts import OpenContext

WORKERS = (PLAIN, frozenset({"gpu", "big"}))
"""What the workers of the context offer that most tests share."""

SHARED = pytest.StashKey["Omega"]()
"""Where a class keeps the context that its tests share."""

MADE = "made"
"""What durable tasks of the kit store."""

BRIEF = 4.0
"""Seconds after the last sign of life of its worker that a task of the kit is given to another one."""


class Visitor:
    """Another client of the context, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], om: Omega) -> None:
        self.process = process
        self._send({"contexts": om.context.settings.dump().decode(), "bucket": om.bucket})

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have it do something, as `omcore.testing.visitor` says; give its answer."""
        self._send({"do": do, **arguments})
        return self._answer()

    def leave(self) -> None:
        """Have it close its context and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self._answer() == "closed"

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait()

    def _send(self, message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "another client of the context ended with an error; what it printed is above"
        return json.loads(line)


class TaskKit(Patient):
    """The base of the kit's classes. Plain, not abstract: pytest leaves abstract classes out without a word."""

    workers_are_processes: ClassVar[bool] = True
    """Whether a task may kill its worker without killing the test; false where workers are threads of the client."""

    @pytest.fixture
    def open_context(self) -> OpenContext:
        """How to open a context on the runtime under test; override this one fixture.

        What the function opens may outlive the test that opened it, so the fixture uses none that end with a test.
        """
        raise NotImplementedError(
            "override the fixture `open_context`: return a function from a folder and a list of sets of labels to a "
            "context manager that opens a context with one worker for each set"
        )

    @pytest.fixture
    def shared_context(
        self, open_context: OpenContext, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Omega:
        """A context whose workers stay warm from test to test of the class."""
        tests = request.node.getparent(pytest.Class)
        if SHARED not in tests.stash:
            stack = ExitStack()
            tests.addfinalizer(stack.close)
            tests.stash[SHARED] = stack.enter_context(open_context(tmp_path_factory.mktemp("tasks"), WORKERS))
        found: Omega = tests.stash[SHARED]
        return found

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[Stage]:
        """Where held tasks meet the test; after it they are let go."""
        folder = tmp_path / "stage"
        folder.mkdir()
        stage = Stage(folder)
        yield stage
        stage.release_all()

    @pytest.fixture
    def om(self, shared_context: Omega, stage: Stage) -> Iterator[Omega]:
        """A bucket of its own in the shared context; when the test is over, no task of it runs or waits."""
        om = self.with_actor(shared_context[f"kit-{uuid4().hex}"])
        yield om
        stage.release_all()
        for task in om.runtime.tasks():
            if task.bucket == om.bucket and not task.state.final:
                om.runtime.task(task.id).cancel()

    # --- what tests do again and again

    def with_actor(self, om: Omega, **attributes: Any) -> Omega:
        """Store what does as it is told as the model `actor`, and as the script `actor` with these attributes."""
        om.models.put(Actor(), "actor")
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "actor.py"
            script.write_text(SCRIPT)
            om.scripts.put(script, "actor", attributes=attributes)
        return om

    def brief(self, om: Omega) -> Scope:
        """A scope whose tasks notice soon when their workers are gone; also one that is only slow counts as gone."""
        return om.runtime.timeout(heartbeat=BRIEF)

    def light(self, om: Omega) -> Scope:
        """A scope for light tasks: all go to one worker, so that only that one loads scikit-learn."""
        return om.runtime.require("gpu")

    def spare(self, om: Omega, stage: Stage) -> None:
        """Keep that worker busy until the stage releases all, where the test is going to end the worker of a task."""
        if self.workers_are_processes:
            self.held(om.runtime.require("gpu"), stage, "spared")

    def run(self, scope: Scope, do: str, **arguments: Any) -> Handle:
        """Submit a durable task that does something, and then stores a version."""
        handle: Handle = scope.script("actor").run({"do": do, **arguments}, into=MADE)
        return handle

    def predict(self, scope: Scope, do: str, **arguments: Any) -> Handle:
        """Submit a light task that does something, and gives what it did."""
        handle: Handle = scope.model("actor").predict({"do": do, **arguments})
        return handle

    def hold(self, scope: Scope, stage: Stage, name: str) -> Handle:
        """Submit a durable task that says it has started, and waits until the stage releases it."""
        return self.run(scope, "hold", folder=str(stage.folder), name=name)

    def held(self, scope: Scope, stage: Stage, name: str) -> Handle:
        """Submit such a task, and wait until it has started."""
        handle = self.hold(scope, stage, name)
        self.until(lambda: stage.started(name), f"task {name!r} is never started")
        return handle

    def settled(self, handle: Handle) -> State:
        """Wait until a task has ended; how it did."""
        assert handle.wait(self.patience), f"a task is still {handle.status} after {self.patience} seconds"
        return handle.status

    def versions(self, om: Omega) -> int:
        """How many versions the durable tasks have stored."""
        return len(om.datasets.versions(MADE)) if om.datasets.exists(MADE) else 0

    def check_that_it_serves(self, om: Omega, *require: str) -> None:
        """Run one more task to its end, on a worker with these labels, and see that it stored its version."""
        stored = self.run(om.runtime.require(*require), "give", value=1).get(self.patience)
        assert om.datasets.metadata(MADE).version == stored.version

    def needs_processes(self) -> None:
        """Skip a test that kills the worker of a task."""
        if not self.workers_are_processes:
            pytest.skip("its workers are threads of the client, and live as long as that")

    @contextmanager
    def visitor(self, om: Omega) -> Iterator[Visitor]:
        """Another client of the context, in a process of its own."""
        command = [sys.executable, "-m", "omcore.testing.visitor"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - this interpreter
            try:
                yield Visitor(process, om)
            finally:
                process.kill()

"""Promises about the runtime as a whole: its form, what it gives its workers, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import psutil
import pytest
from pydantic import BaseModel, ValidationError

from omcore.errors import TaskError
from omcore.runtimes.backend import EngineState, RuntimeBackend, Strengths
from omcore.testing import workloads
from omcore.testing.runtime.fixtures import ENTRY, PLAIN, SECRET, RuntimeKit, background

if TYPE_CHECKING:
    from omcore.runtimes.backend import EngineHandle
    from omcore.testing.runtime.fixtures import Stage, StartRuntime


class LifePromises(RuntimeKit):
    """From its options to its end."""

    def test_it_is_a_runtime_of_this_contract(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that the class derives from `RuntimeBackend` and says `api_version = 1` itself."""
        assert isinstance(runtime, RuntimeBackend)
        assert vars(type(runtime)).get("api_version") == 1, "api_version = 1 is not written in the class itself"
        assert isinstance(type(runtime).strengths, Strengths)

    def test_its_options_refuse_what_they_do_not_know(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that `Options` is a pydantic model with `extra="forbid"`."""
        assert issubclass(type(runtime).Options, BaseModel)
        with pytest.raises(ValidationError, match="no_such_option"):
            type(runtime).Options.model_validate({"no_such_option": 1})

    def test_a_worker_is_prepared_before_its_first_task(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that each worker calls `prepare(contexts)` first, also one that replaces another."""
        if not self.starts_workers:
            pytest.skip("its workers are started by hand, and have their own configuration")
        told = json.loads(self.outcome(self.send(runtime, workloads.envelope("prepared"))))
        assert set(told) == {hashlib.sha256(ENTRY.contexts).hexdigest()}

    def test_the_contexts_show_in_no_command_line_and_no_environment(
        self, runtime: RuntimeBackend, caplog: pytest.LogCaptureFixture
    ) -> None:
        """If this fails, check that contexts go through a pipe or a private file: they hold secrets."""
        self.check_that_it_serves(runtime)
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        told = [text for process in family for text in _shown_by(process)]
        assert not [text for text in [*told, *os.environ.values(), caplog.text] if SECRET in text]

    def test_closing_twice_is_harmless(self, start_runtime: StartRuntime) -> None:
        """If this fails, check that `close` remembers that it was called."""
        with start_runtime(ENTRY, [PLAIN]) as runtime:
            self.check_that_it_serves(runtime)
            runtime.close()
            runtime.close()

    def test_what_was_never_used_can_be_closed(self, start_runtime: StartRuntime) -> None:
        """If this fails, check that `close` does not rely on a first task."""
        with start_runtime(ENTRY, [PLAIN]) as runtime:
            runtime.close()

    def test_nothing_is_taken_after_closing(self, start_runtime: StartRuntime) -> None:
        """If this fails, check that `submit` raises a `TaskError` instead of taking what nobody will run."""
        with start_runtime(ENTRY, [PLAIN]) as runtime:
            runtime.close()
            with pytest.raises(TaskError):
                self.send(runtime, workloads.envelope("echo"))

    def test_closing_ends_what_does_not_survive_it(self, start_runtime: StartRuntime, stage: Stage) -> None:
        """If this fails, check that `close` settles the handles of what it gives up, and waits for nothing."""
        with start_runtime(ENTRY, [PLAIN]) as runtime:
            goes_on = runtime.holder(PLAIN) is not None
            handles = [self.held(runtime, stage, "first"), self.hold(runtime, stage, "second")]
            try:
                background(runtime.close).result(self.patience)
                self._check_given_up_or_going_on(handles, stage, goes_on=goes_on)
            finally:
                stage.release_all()

    def test_what_is_lost_runs_no_more(self, start_runtime: StartRuntime, stage: Stage) -> None:
        """If this fails, check that a handle is LOST only when the process of its task is gone, not before."""
        with start_runtime(ENTRY, [PLAIN]) as runtime:
            if not runtime.strengths.sees_death:
                pytest.skip("it does not promise to see that what ran a lost task is dead")
            goes_on = runtime.holder(PLAIN) is not None
            handle = self.held(runtime, stage, "a")
            closing = background(runtime.close)
            if not goes_on:
                self.final(handle)
                stage.release_all()
                assert not [process for process in stage.started("a") if _runs(process)]
            closing.result(self.patience)
            assert handle.state is not EngineState.LOST or not stage.finished("a")

    def _check_given_up_or_going_on(self, handles: list[EngineHandle], stage: Stage, *, goes_on: bool) -> None:
        if goes_on:
            stage.release_all()
            self.until(lambda: stage.finished("second"), "what should survive the closing was not run")
            return
        for handle in handles:
            self.final(handle)
            assert handle.state in {EngineState.LOST, EngineState.CANCELLED}
            with pytest.raises(TaskError):
                handle.outcome()


def _runs(process: int) -> bool:
    """Whether a process of this machine may still do something."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _shown_by(process: psutil.Process) -> list[str]:
    """What other users of the machine, or its logs, may see of a process."""
    try:
        return [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return []

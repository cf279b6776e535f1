"""Promises about deliveries: each arrives once, whole, and its outcome comes back to the handle it belongs to."""

from __future__ import annotations

import gc
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from omcore.testing import workloads
from omcore.testing.runtime.fixtures import PLAIN, RuntimeKit, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from omcore.runtimes.backend import EngineHandle, RuntimeBackend
    from omcore.testing.runtime.fixtures import Stage

SIZES = (0, 1, 1000, 65_536, 3_000_000)

TEXTS = {
    "every byte": json.dumps({"work": "echo", "value": "".join(map(chr, range(256)))}),
    "odd form": '{ "work" :"echo","value":1e0 , "value":\n\t[1.0, 10000000000000000000000, "\\u0041\\/"]  }\r\n',
    "many lines": '{"work": "echo"}' + "\n" * 1000,
    "percent and braces": '{"work": "echo", "value": "%s %(x)s {} {0} $HOME ${x} `x` \\\\n"}',
}
"""Envelopes that change when something on the way reads, formats or trims them."""


class DeliveryPromises(RuntimeKit):
    """From `submit` to the outcome."""

    @pytest.mark.parametrize("text", TEXTS)
    def test_an_envelope_arrives_byte_for_byte(self, runtime: RuntimeBackend, text: str) -> None:
        """If this fails, check that nothing on the way parses, re-writes, formats or strips the envelope."""
        envelope = TEXTS[text].encode()
        assert self.outcome(self.send(runtime, envelope)) == envelope

    @pytest.mark.parametrize("size", SIZES)
    def test_an_envelope_of_any_size_arrives(self, runtime: RuntimeBackend, size: int) -> None:
        """If this fails, check the limits of your transport on the size of a message."""
        envelope = workloads.envelope("echo", value="x" * size)
        assert self.outcome(self.send(runtime, envelope)) == envelope

    @pytest.mark.parametrize("size", SIZES)
    def test_an_outcome_of_any_size_comes_back(self, runtime: RuntimeBackend, size: int) -> None:
        """If this fails, check the limits of your transport on the size of a result, and that it is not cut."""
        outcome = self.outcome(self.send(runtime, workloads.envelope("produce", size=size)))
        assert outcome == workloads.produce(size)

    def test_each_handle_gets_its_own_outcome(self, runtime_with: Callable[..., RuntimeBackend]) -> None:
        """If this fails, check how an outcome finds the handle of its own delivery when several workers answer."""
        runtime = runtime_with(PLAIN, PLAIN)
        envelopes = [workloads.envelope("echo", value=number) for number in range(100)]
        handles = [self.send(runtime, envelope) for envelope in envelopes]
        assert [self.outcome(handle) for handle in handles] == envelopes

    def test_several_threads_may_submit_and_wait(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that a runtime, and each handle, may be used by any thread."""

        def converse(thread: int) -> bool:
            envelopes = [workloads.envelope("echo", value=[thread, number]) for number in range(20)]
            return [self.outcome(self.send(runtime, envelope)) for envelope in envelopes] == envelopes

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(converse, range(4))) == [True] * 4

    def test_a_task_is_run_once(self, runtime_with: Callable[..., RuntimeBackend], stage: Stage) -> None:
        """If this fails, check that nothing is delivered again, or to two workers, without a failure."""
        runtime = runtime_with(PLAIN, PLAIN)
        names = [str(number) for number in range(30)]
        for handle in [self.send(runtime, self._mark(stage, name)) for name in names]:
            self.final(handle)
        self.check_that_it_serves(runtime)
        assert sorted(stage.marks()) == sorted(names)

    def test_a_task_runs_though_its_handle_was_dropped(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that the runtime itself keeps what a delivery needs."""
        self.send(runtime, self._mark(stage, "dropped"))
        gc.collect()
        self.until(lambda: stage.marks() == ["dropped"], "a task whose handle was dropped is never run")

    def test_an_id_may_be_submitted_again(self, runtime: RuntimeBackend) -> None:
        """If this fails, check that an engine which knows the id already answers with its outcome, or runs it again."""
        envelope, task_id = workloads.envelope("echo", value="again"), new_id()
        for _ in range(3):
            assert self.outcome(self.send(runtime, envelope, task_id=task_id)) == envelope

    def test_one_worker_runs_one_task_at_a_time(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check the number of tasks that a worker of capacity 1 takes."""
        envelope = workloads.envelope("alone", folder=str(stage.folder))
        handles = [self.send(runtime, envelope) for _ in range(20)]
        assert [self.outcome(handle) for handle in handles] == [b"true"] * 20

    def test_two_workers_work_at_the_same_time(self, runtime_with: Callable[..., RuntimeBackend], stage: Stage) -> None:
        """If this fails, check that a free worker takes the next task while the other is busy."""
        runtime = runtime_with(PLAIN, PLAIN)
        handles = [self.held(runtime, stage, name) for name in ("a", "b")]
        stage.release_all()
        places = [json.loads(self.outcome(handle)) for handle in handles]
        assert places[0] != places[1]

    def test_tasks_start_in_the_order_they_were_submitted(self, runtime: RuntimeBackend, stage: Stage) -> None:
        """If this fails, check that the queue is first in, first out, or say `in_order=False`."""
        if not runtime.strengths.in_order:
            pytest.skip("it does not promise an order")
        self.held(runtime, stage, "first")
        names = [str(number) for number in range(20)]
        handles: list[EngineHandle] = [self.send(runtime, self._mark(stage, name)) for name in names]
        stage.release_all()
        for handle in handles:
            self.final(handle)
        assert stage.marks() == names

    def _mark(self, stage: Stage, name: str) -> bytes:
        return workloads.envelope("mark", folder=str(stage.folder), name=name)

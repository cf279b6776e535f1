"""Runtimes on which tasks go wrong, each in its own way, and the tests of the kit that must catch them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from omcore.errors import TaskCancelledError, TaskLostError
from omcore.runtimes.backend import EngineState
from omcore.runtimes.engine import RuntimeChoice
from omcore.runtimes.task import Outcome, State
from omcore.testing.runtime.saboteurs.base import Saboteur, Shadow
from omcore.testing.tasks import task_context
from tests.kit import task_saboteur_workers as workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.backend import Delivery, EngineHandle, WorkerEntry
    from omcore.runtimes.local import LocalOptions
    from omcore.storage.backend import Place


class TaskSaboteur(Saboteur):
    """A local runtime on which tasks go well; subclasses see to it that they do not."""

    api_version = 1

    calls: ClassVar[str] = ""
    """What its workers call in place of `omcore.worker.execute`: a function of `tests.kit.task_saboteur_workers`."""

    patience: ClassVar[float] = 4.0
    """How long the kit waits for what never happens."""

    def __init__(
        self, options: LocalOptions, place: Place, worker: WorkerEntry, labels: Mapping[str, Mapping[str, Any]]
    ) -> None:
        if self.calls:
            worker = replace(worker, execute=getattr(workers, self.calls))
        super().__init__(options, place, worker, labels)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, offers: Sequence[frozenset[str]]) -> Iterator[Omega]:
        """A context whose tasks it runs."""
        pools = {f"pool{number}": {"labels": sorted(labels)} for number, labels in enumerate(offers)}
        with task_context(folder, {"backend": "local"}) as om:
            om.runtime = RuntimeChoice(cls, {"workers": 0, "shared": False, "pools": pools})
            yield om


# --- they lose tasks


class LosesSome(TaskSaboteur):
    """Every fifth delivery goes nowhere."""

    caught_by = "test_many_tasks_are_run_once_each"
    number = 0

    def altered(self, delivery: Delivery) -> Delivery:
        self.number += 1
        return delivery if self.number % 5 else replace(delivery, require=frozenset({"nowhere"}))


class DeliversAnIdOnce(TaskSaboteur):
    """Knows the id already, and thinks that this is enough."""

    caught_by = "test_a_task_that_fails_is_run_again_later_and_later and durable"
    seen: frozenset[str] = frozenset()

    def altered(self, delivery: Delivery) -> Delivery:
        known, self.seen = delivery.id in self.seen, self.seen | {delivery.id}
        return replace(delivery, require=frozenset({"nowhere"})) if known else delivery


# --- they run tasks twice


class RunsTwiceAtOnce(TaskSaboteur):
    """Cares for no claim."""

    caught_by = "test_a_message_that_comes_again_while_its_task_runs_has_no_effect"
    calls = "execute_unclaimed"


class RunsTwiceInTurn(TaskSaboteur):
    """Cares for no end."""

    caught_by = "test_the_version_and_the_outcome_of_a_task_appear_together"
    calls = "execute_twice"


# --- they lie about where a task is


class _DoneBefore(Shadow):
    @property
    def state(self) -> EngineState:
        return EngineState.DONE

    def wait(self, timeout: float | None) -> bool:
        return True

    def outcome(self) -> bytes:
        task_id = repr(self.real).split()[1]
        return Outcome(id=task_id, state=State.SUCCESS, recorded=True).dump()


class SaysDoneBefore(TaskSaboteur):
    """Says that all is done, when it has hardly begun."""

    caught_by = "test_the_version_and_the_outcome_of_a_task_appear_together"
    handle = _DoneBefore


class _LostBefore(Shadow):
    @property
    def state(self) -> EngineState:
        return EngineState.LOST if self.real.state is EngineState.RUNNING else self.real.state

    def wait(self, timeout: float | None) -> bool:
        return self.state is EngineState.LOST or self.real.wait(timeout)

    def outcome(self) -> bytes:
        if self.state is EngineState.LOST:
            raise TaskLostError("nothing was heard of it")
        return super().outcome()


class SaysLostBefore(TaskSaboteur):
    """Gives up what runs."""

    caught_by = "test_a_light_task_and_a_durable_one_say_where_they_are and light"
    handle = _LostBefore


class ServesEverything(TaskSaboteur):
    """Has a worker for everything, it says."""

    caught_by = "test_a_task_that_nobody_serves_says_so_and_waits"

    def serves(self, require: frozenset[str]) -> bool:
        return True


# --- they swallow errors


class _Glad(Shadow):
    def outcome(self) -> bytes:
        found = Outcome.load(super().outcome())
        if found.state is State.FAILURE:
            found = found.model_copy(update={"state": State.SUCCESS, "error": None})
        return found.dump()


class HidesErrors(TaskSaboteur):
    """Has nothing but success to tell."""

    caught_by = "test_an_error_comes_back_as_what_it_was and noted"
    handle = _Glad


class HidesErrorsForGood(TaskSaboteur):
    """Writes nothing but success."""

    caught_by = "test_a_task_that_fails_too_often_fails"
    calls = "execute_gladly"


class _Forgetful(Shadow):
    @property
    def state(self) -> EngineState:
        return EngineState.LOST if self.real.state is EngineState.DONE else self.real.state

    def outcome(self) -> bytes:
        if self.real.state is EngineState.DONE:
            raise TaskLostError("there was an outcome, but where is it?")
        return super().outcome()


class DropsOutcomes(TaskSaboteur):
    """Keeps no outcome."""

    caught_by = "test_what_a_task_prints_logs_and_warns_of_is_in_its_log and light"
    handle = _Forgetful


class _Cut(Shadow):
    def outcome(self) -> bytes:
        return super().outcome()[:1000]


class CutsOutcomes(TaskSaboteur):
    """Has room for so much, and no more."""

    caught_by = "test_a_value_of_any_size_comes_back_whole and 5000"
    handle = _Cut


# --- they ignore who cancels


class IgnoresCancel(TaskSaboteur):
    """Hears nothing."""

    caught_by = "test_a_light_task_that_runs_is_cancelled_at_once"

    def cancel(self, task_id: str) -> None:
        return


class _Settled(Shadow):
    cancelled = False

    @property
    def state(self) -> EngineState:
        return EngineState.CANCELLED if self.cancelled else self.real.state

    def wait(self, timeout: float | None) -> bool:
        return self.cancelled or self.real.wait(timeout)

    def outcome(self) -> bytes:
        if self.cancelled:
            raise TaskCancelledError("it was cancelled")
        return super().outcome()


class OnlySettles(TaskSaboteur):
    """Says that it was cancelled, and lets it run in a thread that nobody can end."""

    caught_by = "test_a_running_task_that_does_not_listen_is_stopped_with_its_process"
    patience = 12.0
    handle = _Settled
    calls = "execute_aside"
    handles: tuple[tuple[str, _Settled], ...] = ()

    def submit(self, delivery: Delivery) -> EngineHandle:
        handle = _Settled(super().submit(delivery))
        self.handles = (*self.handles, (delivery.id, handle))
        return handle

    def cancel(self, task_id: str) -> None:
        for known, handle in self.handles:
            handle.cancelled |= known == task_id


class PublishesInSpite(OnlySettles):
    """Runs on what was cancelled, and publishes it after all."""

    caught_by = "test_nothing_of_a_running_task_that_is_cancelled_becomes_visible"
    patience = 8.0
    calls = "execute_in_spite"


# --- they take no care of who may run what


class ForgetsLabels(TaskSaboteur):
    """Sends everything to anybody."""

    caught_by = "test_a_task_goes_to_the_worker_that_offers_its_labels and big"

    def altered(self, delivery: Delivery) -> Delivery:
        return replace(delivery, require=frozenset())


class SignsEverything(TaskSaboteur):
    """Trusts whoever sends something."""

    caught_by = "test_what_the_context_did_not_sign_is_refused and unsigned"
    calls = "execute_for_anybody"


SABOTEURS: tuple[type[TaskSaboteur], ...] = tuple(
    kind
    for kind in list(vars().values())
    if isinstance(kind, type) and issubclass(kind, TaskSaboteur) and "caught_by" in vars(kind)
)
"""All of them."""

"""The conformance kit for proxies.

Inherit the class, and say what your proxy is, what object it is called on, and how each of its actions may be called:

    from omcore.testing.proxy import Example, ProxyConformance

    class TestReportProxy(ProxyConformance):
        proxy = ReportProxy

        @pytest.fixture
        def stored(self):
            return pd.DataFrame({"region": ["north", "south"]})

        @pytest.fixture
        def examples(self):
            return {"count": Example(kwargs={"by": "region"})}
"""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from omcore.errors import InvalidArgumentError, UnknownActionError
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.names import STORES
from omcore.objects.registry import CodecRegistry
from omcore.proxies.base import RuntimeProxy
from omcore.proxies.pieces import SWITCH
from omcore.proxies.values import ValueCoder
from omcore.runtimes.scope import Scope
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage
from omcore.testing.gaps import KnownGaps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.engine import Call, TaskOptions
    from omcore.runtimes.explanation import Explanation
    from omcore.runtimes.handle import Handle
    from omcore.runtimes.task import State
    from omcore.runtimes.tasklist import TaskInfo


@dataclass(frozen=True, slots=True)
class Example:
    """A call of an action that must work.

    Attributes:
        args: by position, as values: a frame, where a user might give a dataset's name.
        kwargs: by name.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """The `Work` of an action in the kit: hands out the object, and keeps what the action stores.

    Attributes:
        shared: what other tasks hold as well, and nobody may change.
        kept: each value that was stored, and the dataset it went into, if any.
    """

    shared: Any
    kept: list[tuple[Any, str | None]] = field(default_factory=list)

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Nobody watches."""

    def load(self, *, fresh: bool = False) -> Any:
        """The object, or a copy of one's own."""
        return copy.deepcopy(self.shared) if fresh else self.shared

    def store(self, value: Any, *, into: str | None = None) -> Any:
        """Keep a value; what is returned stands for its metadata."""
        self.kept.append((copy.deepcopy(value), into))
        return STORED


STORED = object()
"""What `store` returns in the kit."""


class Listener:
    """The engine behind a scope in the kit: remembers what is submitted, and runs nothing."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @property
    def auth(self) -> KeyRing:
        """No keys."""
        return KeyRing()

    def submit(self, call: Call, options: TaskOptions) -> Handle:  # noqa: ARG002 - part of what a scope asks
        """Remember a call; there is no handle."""
        self.calls.append(call)
        return None  # type: ignore[return-value]

    def proxy(self, name: str) -> Callable[[Scope, str], Any]:
        """A proxy by name: an action has no business asking."""
        raise AssertionError(f"om.runtime.{name} was asked for inside a proxy")

    def handle(self, task_id: str) -> Handle:
        """A task by id: likewise."""
        raise AssertionError(f"task {task_id} was asked for inside a proxy")

    def explain(self, store: str, reference: str | None, options: TaskOptions) -> Explanation:  # noqa: ARG002 - likewise
        """Where a task would run: likewise."""
        raise AssertionError(f"where a task on {store}/{reference} runs was asked for inside a proxy")

    def tasks(self, state: State | None) -> Sequence[TaskInfo]:
        """The tasks: likewise."""
        raise AssertionError(f"the tasks ({state}) were asked for inside a proxy")

    def backend(self) -> RuntimeBackend:
        """The runtime: likewise."""
        raise AssertionError("the runtime was asked for inside a proxy")


class ProxyConformance(KnownGaps):
    """What every proxy keeps. A class attribute and two fixtures make it yours."""

    proxy: ClassVar[type[RuntimeProxy]]
    """Your proxy."""

    @pytest.fixture
    def stored(self) -> Any:
        """An object that the actions can be called on."""
        raise NotImplementedError("define a fixture 'stored' that returns an object your proxy is called on")

    @pytest.fixture
    def examples(self) -> Mapping[str, Example]:
        """For each action, by name, a call that works on `stored`."""
        raise NotImplementedError("define a fixture 'examples' that returns an Example for each action")

    def _run(self, name: str, example: Example, desk: Desk) -> Any:
        """Run an action as a worker does."""
        act = self.proxy.find_action(name)
        return act.body(self.proxy(desk, "object"), **act.bind(example.args, example.kwargs))

    # --- what it is

    def test_it_is_a_proxy_of_this_contract(self) -> None:
        """If this fails, check that the class derives from `RuntimeProxy` and says `api_version = 1` itself."""
        assert issubclass(self.proxy, RuntimeProxy)
        assert vars(self.proxy).get("api_version") == 1, "api_version = 1 is not written in the class itself"

    def test_its_name_can_be_called_and_its_store_exists(self) -> None:
        """If this fails, check `name`: a word for `om.runtime.<name>(...)` that means nothing else; and `store`."""
        assert self.proxy.name.isidentifier()
        assert self.proxy.name == self.proxy.name.lower()
        assert not hasattr(Scope, self.proxy.name), f"om.runtime.{self.proxy.name} means something else already"
        assert self.proxy.store in STORES

    def test_it_has_actions_and_each_is_described(self) -> None:
        """If this fails, check that each method has `@action()` and a docstring: it is the command line's help."""
        actions = self.proxy.actions()
        assert actions, "it has no actions"
        for name, act in actions.items():
            assert (act.__doc__ or "").strip(), f"the action {name!r} has no docstring"
            assert not hasattr(RuntimeProxy, name), f"the action {name!r} hides a method of every proxy"

    def test_into_is_an_argument_by_name(self) -> None:
        """If this fails, check that `into` stands after a `*` and has the default `None`."""
        for name, act in self.proxy.actions().items():
            into = act.signature.parameters.get("into")
            if into is not None:
                assert into.kind is inspect.Parameter.KEYWORD_ONLY, f"{name}: into can be given by position"
                assert into.default is None, f"{name}: into has the default {into.default!r}"

    def test_what_is_said_of_pieces_names_parameters_and_methods(self) -> None:
        """If this fails, check `pieces`: its `data` and `along` are `Data`, and `parallel` is a parameter by name."""
        for name, act in self.proxy.actions().items():
            if act.pieces is None:
                continue
            switch = act.signature.parameters.get(SWITCH)
            assert switch is not None, f"{name}: it has pieces and no parameter called {SWITCH!r}"
            assert (switch.kind, switch.default) == (inspect.Parameter.KEYWORD_ONLY, False), f"{name}: {switch}"
            assert {act.pieces.data, *act.pieces.along} <= act.data, f"{name}: pieces of what is no Data"
            part = act.pieces.part
            assert not part or callable(getattr(self.proxy, part, None)), f"{name}: there is no method {part!r}"

    def test_every_action_has_an_example(self, examples: Mapping[str, Example]) -> None:
        """If this fails, add an example for the action; without one the kit cannot try it."""
        assert set(examples) == set(self.proxy.actions())

    # --- what a user calls

    def test_calling_an_action_submits_it_and_runs_nothing(self, examples: Mapping[str, Example]) -> None:
        """If this fails, check that the action is not overridden by a plain method."""
        for name, example in examples.items():
            engine = Listener()
            getattr(self.proxy(Scope(engine), "object"), name)(*example.args, **example.kwargs)
            [call] = engine.calls
            assert (call.proxy, call.store, call.object, call.action) == (
                self.proxy.name,
                self.proxy.store,
                "object",
                name,
            )
            assert dict(call.arguments).keys() == self.proxy.find_action(name).bind(example.args, example.kwargs).keys()

    def test_wrong_arguments_and_unknown_actions_are_refused_at_once(self, examples: Mapping[str, Example]) -> None:
        """If this fails, check that no action takes `*args`: what it takes cannot be named then."""
        for name in examples:
            engine = Listener()
            with pytest.raises(InvalidArgumentError):
                getattr(self.proxy(Scope(engine), "object"), name)(*range(100))
            assert engine.calls == []
        with pytest.raises(UnknownActionError):
            self.proxy.find_action("no such action")

    def test_arguments_can_travel(self, examples: Mapping[str, Example]) -> None:
        """If this fails, check that the action takes plain data, or names of what is stored."""
        coder = _coder()
        for name, example in examples.items():
            for value in self.proxy.find_action(name).bind(example.args, example.kwargs).values():
                coder.encode(value)

    # --- what a worker runs

    def test_the_example_of_every_action_works_and_its_result_can_travel(
        self, stored: Any, examples: Mapping[str, Example]
    ) -> None:
        """If this fails, check that the action returns plain data, or what `self.work.store` returned."""
        coder = _coder()
        for name, example in examples.items():
            result = self._run(name, example, Desk(copy.deepcopy(stored)))
            if result is not STORED:
                coder.encode(result)

    def test_only_durable_calls_store_anything(self, stored: Any, examples: Mapping[str, Example]) -> None:
        """If this fails, mark the action `@action(durable=True)`, or store only what `into` asks for."""
        for name, example in examples.items():
            desk = Desk(copy.deepcopy(stored))
            self._run(name, example, desk)
            if not self.proxy.find_action(name).durable and example.kwargs.get("into") is None:
                assert desk.kept == [], f"the light action {name!r} stored something"

    def test_into_is_obeyed_where_it_is_taken(self, stored: Any, examples: Mapping[str, Example]) -> None:
        """If this fails, check that the action ends with `self.work.store(result, into=into)` when `into` is given."""
        for name, example in examples.items():
            if "into" in self.proxy.find_action(name).signature.parameters:
                desk = Desk(copy.deepcopy(stored))
                result = self._run(name, Example(example.args, {**example.kwargs, "into": "there"}), desk)
                assert result is STORED, f"{name!r} does not return what store() gave it"
                assert "there" in [into for _, into in desk.kept], f"{name!r} did not store into the dataset"

    def test_the_shared_object_is_never_changed(self, stored: Any, examples: Mapping[str, Example]) -> None:
        """If this fails, load a copy of your own with `self.work.load(fresh=True)` before you change it."""
        for name, example in examples.items():
            desk = Desk(copy.deepcopy(stored))
            before = pickle.dumps(desk.shared)
            self._run(name, example, desk)
            assert pickle.dumps(desk.shared) == before, f"{name!r} changed the object"

    def test_an_action_leaves_nothing_behind_for_the_next(self, stored: Any, examples: Mapping[str, Example]) -> None:
        """If this fails, check for state in the class or the module: a worker runs tasks of many users in turn."""
        coder = _coder()
        for name, example in examples.items():
            results = [self._run(name, example, Desk(copy.deepcopy(stored))) for _ in range(2)]
            if all(result is not STORED for result in results):
                first, second = (coder.encode(result) for result in results)
                assert first == second, f"{name!r} answers differently the second time"

    def test_it_does_not_work_outside_a_worker(self) -> None:
        """If this fails, check that the proxy does not define `work` itself."""
        with pytest.raises(InvalidArgumentError):
            _ = self.proxy(Scope(Listener()), "object").work

    def test_an_action_cannot_submit_another_task(self, stored: Any, examples: Mapping[str, Example]) -> None:
        """If this fails, check that the proxy does not define `submit` itself."""
        for name, example in examples.items():
            with pytest.raises(InvalidArgumentError):
                getattr(self.proxy(Desk(stored), "object"), name)(*example.args, **example.kwargs)


def _coder() -> ValueCoder:
    return ValueCoder(CodecRegistry(BUILTIN), MemoryStorage(MemoryOptions(), Place("kit", Path("unused"))))

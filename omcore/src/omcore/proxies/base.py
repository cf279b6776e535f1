"""The proxy contract: what can be done with a stored object on a runtime.

A proxy is one class. Its methods that carry `@action` are at the same time what a user calls
(`om.runtime.model("m").fit("X", "y")` submits a task and returns a handle), what a worker runs (the method's body), and
what the command line offers (`om runtime model m fit X y`). To write one, subclass
[RuntimeProxy][omcore.proxies.base.RuntimeProxy] and name it in the entry-point group `omcore.proxy`:

    class ReportProxy(RuntimeProxy):
        api_version = 1
        name = "report"
        store = "datasets"

        @action()
        def count(self, by: str = "region") -> dict[str, int]:
            '''Count the rows by a column.'''
            return self.work.load()[by].value_counts().to_dict()
"""

from __future__ import annotations

import inspect
from abc import ABC
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    get_type_hints,
    overload,
)

from omcore.errors import InvalidArgumentError, UnknownActionError
from omcore.objects.names import check_name
from omcore.proxies.pieces import SWITCH
from omcore.runtimes.engine import Call
from omcore.runtimes.scope import Scope
from omcore.sentences import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from omcore.proxies.pieces import Pieces
    from omcore.runtimes.explanation import Explanation
    from omcore.runtimes.handle import Handle

API_VERSION = 1
"""The version of this contract; a proxy states the one it was written for as a literal."""

Data = Annotated[Any, "data"]
"""An argument that may be given as the name of a dataset (`"sales"`, `"sales[x]@3"`), or as the value itself."""

P = ParamSpec("P")
R = TypeVar("R")


class Work(Protocol):
    """What an action has in hand on the worker."""

    def load(self, *, fresh: bool = False) -> Any:
        """The object that the action is called on.

        It is shared with other tasks and must not be changed, unless `fresh` asks for a copy of one's own.
        """
        ...

    def store(self, value: Any, *, into: str | None = None) -> Any:
        """Store a value when the task ends: as a new version of the object itself, or `into` a dataset.

        Returns what the action must return: it becomes the metadata of the stored version.
        """
        ...

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Tell how far the action is; of a durable task, `handle.progress` shows it to whoever asks.

        Args:
            done: how much is done.
            total: how much there is to do; `None` where nobody knows.
            unit: what is counted, for example `rows`.
        """
        ...


class Action(Generic[P, R]):
    """A method of a proxy that is called through a task."""

    def __init__(self, body: Callable[Concatenate[Any, P], R], *, durable: bool, pieces: Pieces | None = None) -> None:
        self.body = body
        self.durable = durable
        self.pieces = pieces
        self.name = body.__name__
        self.__doc__ = body.__doc__

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters, without `self`."""
        signature = inspect.signature(self.body)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @property
    def shape(self) -> str:
        """The parameters for people: names and defaults."""
        plain = [known.replace(annotation=known.empty) for known in self.signature.parameters.values()]
        return str(inspect.Signature(plain))

    @cached_property
    def data(self) -> frozenset[str]:
        """The parameters that take the name of a dataset."""
        hints = get_type_hints(self.body, include_extras=True)
        return frozenset(name for name, hint in hints.items() if _is_data(hint))

    @overload
    def __get__(self, proxy: None, owner: type[RuntimeProxy]) -> Action[P, R]: ...

    @overload
    def __get__(self, proxy: RuntimeProxy, owner: type[RuntimeProxy]) -> Callable[P, Handle]: ...

    def __get__(self, proxy: RuntimeProxy | None, owner: type[RuntimeProxy]) -> Action[P, R] | Callable[P, Handle]:
        if proxy is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Handle:
            return proxy.submit(self, args, kwargs)

        call.__name__ = self.name
        call.__doc__ = self.__doc__
        return call

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by parameter; those of a `**` parameter stand among them under their own names.

        Raises:
            InvalidArgumentError: they do not fit the parameters; says which these are.
        """
        try:
            bound = dict(self.signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            message = f"wrong arguments to {self.name}: {error}; it takes {self.name}{self.shape}"
            raise InvalidArgumentError(message) from None
        for parameter in self.signature.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                bound.update(bound.pop(parameter.name, {}))
        return bound


def _is_shared(act: Action[..., Any], arguments: Mapping[str, Any]) -> bool:
    """Whether the call asks for several workers; a switch that is none is refused."""
    asked = arguments.get(SWITCH, False) if act.pieces is not None else False
    if not isinstance(asked, bool):
        raise InvalidArgumentError(f"{SWITCH} is true or false, not {asked!r}")
    return asked


def _is_data(hint: Any) -> bool:
    """Whether a hint is `Data`, or a union with it."""
    if "data" in getattr(hint, "__metadata__", ()):
        return True
    return any(_is_data(part) for part in getattr(hint, "__args__", ()))


def action(
    *, durable: bool = False, pieces: Pieces | None = None
) -> Callable[[Callable[Concatenate[Any, P], R]], Action[P, R]]:
    """Make a method of a proxy an action.

    Parameters annotated as `Data` take names of datasets. Its docstring is the action's help.

    Args:
        durable: the action changes something or runs long, so its task has a record from submit to outcome. A call
            with an argument called `into`, or with `parallel=True`, is durable in any case.
        pieces: how several workers run it together on a dataset of several parts, when it is called with
            `parallel=True`; `None` where they cannot.
    """
    return lambda body: Action(body, durable=durable, pieces=pieces)


class RuntimeProxy(ABC):
    """Calls actions on one stored object."""

    api_version: ClassVar[int]
    """The literal `1`: the version of the contract that this proxy was written for."""

    name: ClassVar[str]
    """`om.runtime.<name>(...)`."""

    store: ClassVar[str]
    """The store of the objects it is for: `datasets`, `models`, `jobs` or `scripts`."""

    def __init__(self, site: Scope | Work, reference: str) -> None:
        self._site = site
        self._reference = reference

    @property
    def work(self) -> Work:
        """What the action has in hand; only on the worker."""
        if isinstance(self._site, Scope):
            message = f"{type(self).__name__}.work exists only inside an action, on the worker"
            raise InvalidArgumentError(message)
        return self._site

    _actions: ClassVar[Mapping[str, Action[..., Any]]] = {}

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        members = {name: member for kind in reversed(cls.__mro__) for name, member in vars(kind).items()}
        cls._actions = {name: members[name] for name in sorted(members) if isinstance(members[name], Action)}

    @classmethod
    def actions(cls) -> Mapping[str, Action[..., Any]]:
        """The actions by name, sorted."""
        return cls._actions

    @classmethod
    def find_action(cls, name: str) -> Action[..., Any]:
        """The action of that name.

        Raises:
            UnknownActionError: there is none; says which there are.
        """
        actions = cls.actions()
        if name not in actions:
            message = f"a {cls.name} has no action {name!r}; {near(name, actions)}there are {', '.join(actions)}"
            raise UnknownActionError(message)
        return actions[name]

    def explain(self) -> Explanation:
        """Say which labels a task on this object would require, and which live workers would take it."""
        if not isinstance(self._site, Scope):
            raise InvalidArgumentError("inside an action, nothing is submitted; explain is for the caller")
        return self._site.explain(self.store, self._reference)

    def submit(self, act: Action[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Handle:
        """Submit a call of one of the actions."""
        if not isinstance(self._site, Scope):
            message = f"inside an action, use self.work; {act.name!r} would submit another task"
            raise InvalidArgumentError(message)
        arguments = act.bind(args, kwargs)
        if arguments.get("into") is not None:
            check_name(arguments["into"])
        call = Call(
            proxy=self.name,
            store=self.store,
            object=self._reference,
            action=act.name,
            arguments=arguments,
            data=act.data,
            durable=act.durable or arguments.get("into") is not None or _is_shared(act, arguments),
        )
        return self._site.submit(call)

    def __repr__(self) -> str:
        return f"<{self.name} {self._reference!r}: {', '.join(self.actions())}>"

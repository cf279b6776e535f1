"""What can be done with a script: run it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from omcore.errors import InvalidArgumentError
from omcore.proxies.base import RuntimeProxy
from omcore.proxies.programs.modules import imported
from omcore.proxies.programs.positional import action
from omcore.proxies.programs.work import program_work

if TYPE_CHECKING:
    from types import ModuleType

    from omcore.objects.references import Pin

FUNCTION = "run"
"""What a script defines to be run: `def run(om, *args, **params)`."""


class ScriptProxy(RuntimeProxy):
    """Runs a stored module or package: its function `run(om, *args, **params)`.

    It runs in the worker itself, which is a process of its own already: with the context that is open there, with
    what the worker has loaded, and under whatever limits, log and end the worker gives to a task. Each call imports
    the version that it was pinned to afresh, under a name of its own, and forgets it afterwards.
    """

    api_version: ClassVar[int] = 1
    name: ClassVar[str] = "script"
    store: ClassVar[str] = "scripts"

    @action(durable=True)
    def run(self, /, *args: Any, into: str | None = None, **params: Any) -> Any:
        """Call the script with the context and these arguments; returns its result, or stores it as a dataset."""
        work = program_work(self.work)
        with imported(work.load(), work.pin) as module:
            result = _entry(module, work.pin, args, params)(work.om, *args, **params)
        return result if into is None else work.store(result, into=into)


def _entry(module: ModuleType, pin: Pin, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The function to call.

    Raises:
        InvalidArgumentError: there is none, or it does not take these arguments; says which it takes.
    """
    script = f"scripts/{pin.name}@{pin.version}"
    function = getattr(module, FUNCTION, None)
    if not callable(function):
        message = f"{script} cannot be run: it defines no function {FUNCTION}(om, ...); add it and store it again"
        raise InvalidArgumentError(message)
    shape = inspect.signature(function)
    try:
        shape.bind(None, *args, **params)
    except TypeError as error:
        message = f"wrong arguments to {script}: {error}; it defines {FUNCTION}{shape}, and om is given by the worker"
        raise InvalidArgumentError(message) from None
    return function

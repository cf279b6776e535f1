"""Data back to errors.

A type is looked up only in the modules listed here; no path from a message is ever imported.
"""

from __future__ import annotations

import ast
import importlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from omcore.errors import RemoteError, TaskCancelledError, TaskError, TaskFailedError, TaskLostError, TaskTimeoutError
from omcore.runtimes.task import ErrorData, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.runtimes.task import Outcome

KNOWN_MODULES = frozenset(
    {
        *("builtins", "omcore.errors", "concurrent.futures.process"),
        *("sklearn.exceptions", "sklearn.utils._param_validation"),
        *("numpy.exceptions", "numpy.linalg", "numpy._core._exceptions", "numpy.core._exceptions"),
        *("pandas.errors", "pandas._libs.tslibs.np_datetime", "pandas._libs.tslibs.parsing"),
        *("pandas._libs.tslibs.period", "pyarrow.lib"),
        *("scipy.io.matlab._miobase", "scipy.optimize._nonlin", "scipy.optimize._optimize", "scipy.spatial._qhull"),
        *("scipy.sparse.csgraph._shortest_path", "scipy.special._sf_error", "scipy.stats._warnings_errors"),
        *("joblib.externals.loky.process_executor", "loky.process_executor"),
    }
)
"""Modules whose error types are made again on the client."""

ENDINGS: Mapping[type[BaseException], str] = MappingProxyType(
    {
        SystemExit: "the action ended the process with",
        KeyboardInterrupt: "the action was interrupted with",
        GeneratorExit: "the action ended itself with",
    }
)
"""Errors that are not meant to be caught, and what is said of them instead of raising them again."""

_ENDING_NAMES = frozenset(f"builtins.{kind.__name__}" for kind in ENDINGS)
_GROUPS = frozenset({"builtins.ExceptionGroup", "builtins.BaseExceptionGroup"})
_COUNT = re.compile(r" \([0-9]+ sub-exceptions?\)\Z")
_LONGEST_KEY = 1000


def to_error(outcome: Outcome) -> TaskError:
    """The error that the caller of a task gets, its cause of the original type where that is known."""
    data = outcome.error or ErrorData(type="", message="no reason was given")
    if outcome.state is State.REVOKED:
        return TaskCancelledError(data.message, outcome.id)
    if outcome.state is State.LOST:
        return TaskLostError(data.message, outcome.id)
    cause = _original(data)
    if isinstance(cause, TaskTimeoutError):
        return TaskTimeoutError(data.message, outcome.id)
    text = _said(data, data.type.removeprefix("builtins."))
    error = TaskFailedError(f"task {outcome.id} failed: {text}", outcome.id, data.type, data.traceback)
    for note in data.notes:
        error.add_note(note)
    error.__cause__ = cause
    return error


def _said(data: ErrorData, name: str) -> str:
    """An error as type and text; one that says itself what happened, without its type."""
    if data.type in _ENDING_NAMES:
        return data.message
    return f"{name}: {data.message}" if data.message else name


def _original(data: ErrorData) -> Exception:
    """An error of the original type, or one that stands for it; with what its message says."""
    if data.type in _GROUPS and data.errors:
        return ExceptionGroup(_COUNT.sub("", data.message), [_original(member) for member in data.errors])
    kind = _known(data.type)
    made = None if kind is None else _made(kind, data.message)
    return RemoteError(_said(data, data.type)) if made is None else made


def _known(path: str) -> type[Exception] | None:
    """A type by its name; the public one that a private one derives from."""
    module, _, name = path.rpartition(".")
    if module not in KNOWN_MODULES:
        return None
    try:
        kind = getattr(importlib.import_module(module), name, None)
    except ImportError:  # that library, or that module of it, is not here
        return None
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        return None
    return next(base for base in kind.__mro__ if not base.__qualname__.startswith("_"))


def _made(kind: type[Exception], message: str) -> Exception | None:
    """An error of a type that can be made of a text alone; others, for example `UnicodeDecodeError`, cannot."""
    try:
        if issubclass(kind, KeyError) and len(message) <= _LONGEST_KEY:  # its text is the key as code would write it
            made = kind(ast.literal_eval(message))
            if str(made) == message:
                return made
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass  # this message is no such text
    try:
        return kind(message)
    except Exception:  # noqa: BLE001 - a library's own code, which may want anything else
        return None

"""Errors to data and back.

A type is looked up only in the modules listed here; no path from a message is ever imported.
"""

from __future__ import annotations

import importlib
import traceback
from typing import TYPE_CHECKING

from omcore.errors import RemoteError, TaskCancelledError, TaskError, TaskFailedError, TaskLostError, TaskTimeoutError
from omcore.masking import mask_addresses
from omcore.runtimes.task import ErrorData, Outcome, State

if TYPE_CHECKING:
    from types import TracebackType

KNOWN_MODULES = frozenset({"builtins", "omcore.errors", "sklearn.exceptions", "numpy.exceptions", "pandas.errors"})
"""Modules whose error types are made again on the client."""

LONGEST_TEXT = 64_000
"""Characters of a message or a traceback that are kept."""


def to_data(error: BaseException, skip: TracebackType | None = None) -> ErrorData:
    """An error as data.

    Args:
        error: the error.
        skip: the traceback entry of our own frame; only what lies below it is user code and is kept.
    """
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    shown = error.__traceback__ if skip is None else skip.tb_next
    trace = "".join(traceback.format_exception(kind, error, shown))
    notes = getattr(error, "__notes__", ())
    return ErrorData(
        type=safe_text(name),
        message=text_of(error),
        traceback=safe_text(trace)[-LONGEST_TEXT:],
        notes=tuple(safe_text(note) for note in notes if isinstance(note, str)) if isinstance(notes, list) else (),
    )


def text_of(error: BaseException) -> str:
    """The text of an error, also of one whose own `__str__` fails; passwords in addresses are hidden."""
    try:
        return safe_text(str(error))[:LONGEST_TEXT]
    except Exception as second:  # noqa: BLE001 - any code of a user's error class may run here
        return f"<an error of type {type(error).__qualname__} whose text cannot be made: {type(second).__qualname__}>"


def safe_text(text: str) -> str:
    """Text that JSON and every storage take, without secrets: a name of a file may hold halves of characters."""
    return mask_addresses(text.encode("utf-8", "backslashreplace").decode())


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
    short = data.type.removeprefix("builtins.")
    error = TaskFailedError(f"task {outcome.id} failed: {short}: {data.message}", outcome.id, data.type, data.traceback)
    for note in data.notes:
        error.add_note(note)
    error.__cause__ = cause
    return error


def _original(data: ErrorData) -> BaseException:
    module, _, name = data.type.rpartition(".")
    if module in KNOWN_MODULES:
        kind = getattr(importlib.import_module(module), name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(data.message)
            except TypeError:  # a type that cannot be made of a text alone, for example UnicodeDecodeError
                return RemoteError(f"{data.type}: {data.message}")
    return RemoteError(f"{data.type}: {data.message}")

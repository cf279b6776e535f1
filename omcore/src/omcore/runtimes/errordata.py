"""Errors to data.

An error of a user's code may be anything: its text may fail, be endless or lie. What becomes of it is text, in bounds.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from omcore.runtimes.errorback import ENDINGS, to_error
from omcore.runtimes.safetext import beginning, shortened
from omcore.runtimes.task import ErrorData

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["LONGEST_TEXT", "text_of", "to_data", "to_error"]

LONGEST_TEXT = 64_000
"""Characters of a message or a traceback that are kept."""

LONGEST_NOTE = 4_000
MOST_NOTES = 50
MOST_MEMBERS = 20
"""Errors of a group that are kept, of all its groups together."""

_GROUPS = frozenset({ExceptionGroup, BaseExceptionGroup})
_USERS_CODE = (Exception, SystemExit, GeneratorExit)
"""What the code of a user's error class may raise while it is asked for its text."""


def to_data(error: BaseException, skip: TracebackType | None = None) -> ErrorData:
    """An error as data; raises nothing, whatever its class does.

    Args:
        error: the error.
        skip: the traceback entry of our own frame; only what lies below it is user code and is kept.
    """
    return ErrorData(
        type=_name(type(error)),
        message=text_of(error),
        traceback=shortened(_trace(error, _traceback(error) if skip is None else skip.tb_next), LONGEST_TEXT),
        notes=_notes(error),
        errors=_members(error, MOST_MEMBERS),
    )


def text_of(error: BaseException) -> str:
    """The text of an error, also of one whose own `__str__` fails; passwords in addresses are hidden."""
    try:
        text = _ending(error) or str(error)
        return beginning(str.__str__(text), LONGEST_TEXT)  # of a subclass of `str`, the text alone
    except _USERS_CODE as second:
        return f"<an error of type {_name(type(error))} whose text cannot be made: {_name(type(second))}>"


def _ending(error: BaseException) -> str:
    """What an error says that is not meant to be caught: it would end this process too, were it raised again."""
    for kind, what in ENDINGS.items():
        if issubclass(type(error), kind):  # not `isinstance`, which an object can deceive
            return f"{what} {type(error).__name__}({', '.join(map(repr, error.args))})"
    return ""


def _name(kind: type[BaseException]) -> str:
    """The full name of a type, also of one that tells it wrong."""
    try:
        return beginning(f"{kind.__module__}.{kind.__qualname__}", LONGEST_NOTE)
    except _USERS_CODE:
        return beginning(str(type.__dict__["__qualname__"].__get__(kind)), LONGEST_NOTE)


def _traceback(error: BaseException) -> TracebackType | None:
    """Its traceback, asked past its class."""
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return found


def _trace(error: BaseException, shown: TracebackType | None) -> str:
    """Where it happened, with all that led to it."""
    try:
        return "".join(traceback.format_exception(type(error), error, shown))
    except _USERS_CODE as second:
        where = "".join(traceback.format_tb(shown))
        return f"Traceback (most recent call last):\n{where}{text_of(error)}\n<the rest fails: {_name(type(second))}>\n"


def _notes(error: BaseException) -> tuple[str, ...]:
    try:
        notes: Any = getattr(error, "__notes__", ())
        texts = [str.__str__(note) for note in notes if issubclass(type(note), str)] if isinstance(notes, list) else []
    except _USERS_CODE:
        return ()
    return tuple(beginning(note, LONGEST_NOTE) for note in texts[:MOST_NOTES])


def _members(error: BaseException, most: int) -> tuple[ErrorData, ...]:
    """The errors of a group, without tracebacks: the group's has them all."""
    found: list[ErrorData] = []
    if type(error) in _GROUPS and isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            if most <= 0:
                break
            inner = _members(member, most - 1)
            most -= 1 + _number(inner)
            text, notes = text_of(member), _notes(member)
            found.append(ErrorData(type=_name(type(member)), message=text, notes=notes, errors=inner))
    return tuple(found)


def _number(errors: tuple[ErrorData, ...]) -> int:
    return sum(1 + _number(error.errors) for error in errors)

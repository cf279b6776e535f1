"""What a cell raised, as the error that it was: the kernel tells of it as data."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from omcore.errors import RemoteError
from omcore.proxies.programs.kernel import ERROR
from omcore.runtimes.errordata import to_error
from omcore.runtimes.task import ErrorData, Outcome, State
from omcore.sentences import one_line

LONGEST_LINE = 80
"""Characters of a cell that an error quotes."""


class CellTraceback(Exception):  # noqa: N818 - it is shown as the cause of an error, and never raised
    """Where in the notebook an error was raised; its text is the traceback in the kernel."""


def error_of(reply: dict[str, Any]) -> BaseException:
    """The error that the kernel's reply about a cell tells of.

    Its type is the original one where that is a builtin or a known library's, else one of the same full name.
    """
    data = _data(reply)
    error = to_error(Outcome(id="", state=State.FAILURE, error=data)).__cause__ or RemoteError(data.message)
    if isinstance(error, RemoteError):
        error = _named(data)
    error.__cause__ = CellTraceback(f"\n{data.traceback}")
    for note in data.notes:
        error.add_note(note)
    return error


def _data(reply: dict[str, Any]) -> ErrorData:
    content = reply["content"]
    try:
        return ErrorData.model_validate_json(content[ERROR])
    except (KeyError, ValidationError):  # another kernel's reply, which tells less
        return ErrorData(type=str(content.get("ename")), message=str(content.get("evalue")))


def _named(data: ErrorData) -> BaseException:
    """An error of an unknown type, which has its name and nothing else of it."""
    module, _, name = data.type.rpartition(".")
    kind: type[RemoteError] = type(name or "Error", (RemoteError,), {"__module__": module})
    return kind(data.message)


def place_of(notebook: Any, index: int) -> str:
    """Which cell of a notebook it was, for people."""
    source = notebook.cells[index].source.strip()
    first = one_line(source.partition("\n")[0], limit=LONGEST_LINE)
    return f"cell {index + 1} of {len(notebook.cells)}, which begins {first!r}"

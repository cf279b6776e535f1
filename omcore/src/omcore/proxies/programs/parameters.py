"""Parameters of a notebook: a cell that assigns them, after the cell that is tagged `parameters`.

The convention is papermill's (https://papermill.readthedocs.io/en/latest/usage-parameterize.html), so a notebook that
was made for it runs here, and the other way round.
"""

from __future__ import annotations

import keyword
import math
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG = "parameters"
INJECTED = "injected-parameters"
OUR_NAME = "om"
"""What the context is called in a notebook."""


def inject(notebook: Any, parameters: Mapping[str, Any]) -> None:
    """Put a cell that assigns the parameters into a notebook, in place of one from an earlier run.

    Without a cell tagged `parameters` it comes first.

    Args:
        notebook: a `NotebookNode` of one's own.
        parameters: plain values by name; none of them puts no cell in.

    Raises:
        InvalidArgumentError: a name is no variable's, or a value cannot be written down in a cell.
    """
    source = "\n".join(["# Parameters", *(f"{_name(name)} = {_written(name, it)}" for name, it in parameters.items())])
    cells = [cell for cell in notebook.cells if INJECTED not in _tags(cell)]
    place = next((number for number, cell in enumerate(cells, start=1) if TAG in _tags(cell)), 0)
    if parameters:
        cells.insert(place, _cell(source))
    notebook.cells = cells


def _cell(source: str) -> Any:
    from nbformat.v4 import new_code_cell

    return new_code_cell(source, metadata={"tags": [INJECTED]})


def _tags(cell: Any) -> Any:
    return cell.metadata.get("tags", ())


def _name(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name) or name == OUR_NAME:
        message = f"{one_line(repr(name), 200)} cannot be a parameter of a notebook: it must be the name of a variable"
        raise InvalidArgumentError(f"{message}, and not {OUR_NAME!r}, which is the context")
    return name


def _written(name: str, value: Any) -> str:
    """A value as Python reads it."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or type(value) in {bool, int, float, str, bytes}:
        return repr(value)
    if type(value) is list:
        return f"[{', '.join(_written(name, item) for item in value)}]"
    if type(value) is dict:
        return f"{{{', '.join(f'{_written(name, key)}: {_written(name, item)}' for key, item in value.items())}}}"
    message = (
        f"the parameter {name!r} holds a {type(value).__name__}, which cannot be written into a cell; pass texts, "
        f"numbers, lists and dicts, and for data the name of a dataset, which the notebook reads with om.datasets.get"
    )
    raise InvalidArgumentError(message)

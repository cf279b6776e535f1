"""Notebooks to run."""

from __future__ import annotations

import textwrap
from typing import Any

import nbformat


def notebook(*cells: str, parameters: str | None = None) -> Any:
    """A notebook of code cells; the first is tagged `parameters` where they are given."""
    made = [nbformat.v4.new_code_cell(textwrap.dedent(source).strip()) for source in cells]
    tags = {"tags": ["parameters"]}
    first = [] if parameters is None else [nbformat.v4.new_code_cell(parameters, metadata=tags)]
    return nbformat.v4.new_notebook(cells=[*first, *made])

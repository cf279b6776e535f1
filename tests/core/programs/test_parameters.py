"""Parameters reach a notebook as they are, where papermill puts them."""

from __future__ import annotations

import ast
import keyword
import math
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import InvalidArgumentError
from omcore.proxies.programs.parameters import inject
from tests.core.programs.made import notebook

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name) and name != "om"
)


def assigned(source: str) -> dict[str, Any]:
    """What a cell assigns, by running it."""
    namespace: dict[str, Any] = {}
    exec(compile(ast.parse(source), "cell", "exec"), namespace)
    namespace.pop("__builtins__")
    return namespace


def same(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return (math.isnan(one) and math.isnan(two)) or (one == two and math.copysign(1, one) == math.copysign(1, two))
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    return type(one) is type(two) and bool(one == two)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_any_plain_value_is_in_the_notebook_as_it_was_given(parameters: dict[str, Any]) -> None:
    made = notebook("1", parameters="n = 1")
    inject(made, parameters)
    assert same(assigned(made.cells[1].source), parameters)
    nbformat.validate(made)


def test_they_come_after_the_cell_that_is_tagged_so_that_they_win() -> None:
    made = notebook("before", "after", parameters="n = 1")
    made.cells.insert(0, nbformat.v4.new_markdown_cell("title"))
    inject(made, {"n": 2})
    assert [cell.source for cell in made.cells] == ["title", "n = 1", "# Parameters\nn = 2", "before", "after"]
    assert made.cells[2].metadata.tags == ["injected-parameters"]


def test_they_come_first_where_no_cell_is_tagged() -> None:
    made = notebook("print(n)")
    inject(made, {"n": 2})
    assert [cell.source for cell in made.cells] == ["# Parameters\nn = 2", "print(n)"]


def test_those_of_an_earlier_run_are_replaced_and_none_leave_the_notebook_as_it_is() -> None:
    made = notebook("print(n)", parameters="n = 1")
    for number in (2, 3):
        inject(made, {"n": number})
    assert [cell.source for cell in made.cells] == ["n = 1", "# Parameters\nn = 3", "print(n)"]
    inject(made, {})
    assert [cell.source for cell in made.cells] == ["n = 1", "print(n)"]


@pytest.mark.parametrize("name", ["", "a b", "x=1;y", "1a", "class", "om", "a\nb"], ids=ascii)
def test_what_is_no_name_of_a_variable_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be a parameter of a notebook"):
        inject(notebook("1"), {name: 1})


@pytest.mark.parametrize("value", [object(), {1, 2}, [1, {"x": range(3)}]], ids=["object", "set", "inside"])
def test_what_cannot_be_written_into_a_cell_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"holds a (object|set|range), which cannot be written into a cell"):
        inject(notebook("1"), {"x": value})

"""What a notebook prints is kept up to a bound, and what is cut is said to be."""

from __future__ import annotations

from typing import Any

import pytest

from omcore.proxies.programs.bounded import LONGEST_ERROR, MOST_OUTPUT, OVERHEAD, BoundedClient
from tests.core.programs.made import notebook

PIECE = "x" * (1 << 20)


def client() -> tuple[BoundedClient, Any]:
    made = notebook("flood()")
    made.cells[0].outputs = []
    executing = BoundedClient(made)
    executing.clear_before_next_output = False
    return executing, made.cells[0]


def message(kind: str, **content: Any) -> dict[str, Any]:
    return {"msg_type": kind, "content": content, "parent_header": {"msg_id": "1"}, "header": {"msg_type": kind}}


def size(cell: Any) -> int:
    return sum(len(one.get("text", "")) + sum(map(len, one.get("data", {}).values())) for one in cell.outputs)


@pytest.mark.parametrize(
    "flood",
    [
        message("stream", name="stdout", text=PIECE),
        message("display_data", data={"text/plain": PIECE}, metadata={}),
        message("execute_result", data={"text/plain": PIECE}, metadata={}, execution_count=1),
    ],
    ids=["stream", "display", "result"],
)
def test_a_flood_is_cut_and_the_notebook_says_so_once(flood: dict[str, Any]) -> None:
    executing, cell = client()
    for _ in range(40):
        executing.process_message(flood, cell, 0)
    assert MOST_OUTPUT - 2 * len(PIECE) < size(cell) < MOST_OUTPUT + 1000
    assert [one.text for one in cell.outputs if "was cut here" in one.get("text", "")[:200]] != []
    assert sum("was cut here" in one.get("text", "")[:200] for one in cell.outputs) == 1


def test_many_small_pieces_are_a_flood_too() -> None:
    executing, cell = client()
    executing.room = 10 * OVERHEAD
    for _ in range(100):
        executing.process_message(message("stream", name="stdout", text="\n"), cell, 0)
    assert len(cell.outputs) == 10


def test_the_error_of_a_cell_is_kept_whatever_was_printed() -> None:
    executing, cell = client()
    executing.room = 0
    executing.process_message(message("stream", name="stdout", text="x"), cell, 0)
    executing.process_message(message("error", ename="E", evalue="e", traceback=[]), cell, 0)
    assert [one.output_type for one in cell.outputs] == ["stream", "error"]


def test_the_text_of_an_error_is_bounded() -> None:
    executing, cell = client()
    executing.process_message(message("error", ename="E", evalue=PIECE, traceback=[PIECE, "the end"]), cell, 0)
    [error] = cell.outputs
    assert len(error.evalue) == LONGEST_ERROR
    assert sum(map(len, error.traceback)) <= LONGEST_ERROR
    assert error.traceback[-1] == "the end"

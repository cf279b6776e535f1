"""A task that several tasks do together: the parent is never run, and its children are tasks like any other.

The parent is in the state `STARTED` from the beginning. The child whose end completes the set ends it, in the commit of
its own end; so does a child that ends without success. Whoever ends a parent ends the children that have not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.runtimes.task import ErrorData, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.storage.backend import Body

CHILDREN, DONE = "children", "done"
"""The fields of a parent: its children's ids in order, and the ids of those that have ended well."""


def begun(body: Body, children: Sequence[str], total: int, publisher: str) -> Body:
    """The body of a parent whose children are about to be submitted; `total` is how many rows they have."""
    return {
        **body,
        "state": State.STARTED.value,
        "started": body["submitted"],
        "publisher": publisher,
        "timeout": None,
        "progress": {"done": 0, "total": total, "unit": "rows"},
        CHILDREN: list(children),
        DONE: [],
    }


def children_of(body: Body) -> list[str]:
    """The ids of a task's children; none for a task that is run itself."""
    return list(body.get(CHILDREN, []))


def is_last(body: Body, child: str) -> bool:
    """Whether all children of a parent but this one have ended well."""
    return {*body[CHILDREN]} - {*body[DONE]} <= {child}


def advanced(body: Body, child: str, rows: int) -> Body:
    """One more child has ended well, with so many rows; one that has before changes nothing."""
    if child in body[DONE]:
        return body
    progress = {**body["progress"], "done": body["progress"]["done"] + rows}
    return {**body, DONE: [*body[DONE], child], "progress": progress}


def passed_on(parent: str, outcome: Outcome) -> Outcome:
    """How a parent ends because a child has ended without success."""
    return Outcome(id=parent, state=outcome.state, error=outcome.error, worker=outcome.worker, notices=outcome.notices)


def dismissed(child: str, parent: str) -> Outcome:
    """How a child ends because its parent has."""
    why = ErrorData(type="", message=f"task {child} was ended with task {parent}, of which it is a part")
    return Outcome(id=child, state=State.REVOKED, error=why)

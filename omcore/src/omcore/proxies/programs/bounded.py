"""A client of a kernel that keeps a bounded amount of what a notebook prints. Imports nbclient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_OUTPUT = 16 << 20
"""Bytes of output that an executed notebook keeps."""

OVERHEAD = 200
"""Bytes that each piece of output is counted for besides its content."""

LONGEST_ERROR = 64_000
"""Characters of an error's text, and of its traceback, that are kept in the notebook."""

OUTPUTS = frozenset({"stream", "display_data", "update_display_data", "execute_result"})
CUT = "... the output of this notebook was cut here: it keeps {:,} bytes\n"


class BoundedClient(NotebookClient):
    """Executes a notebook; what is printed beyond `MOST_OUTPUT` is dropped, with a line that says so."""

    room = MOST_OUTPUT

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take a message of the kernel, or drop it."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            return super().process_message({**msg, "content": _cut(content)}, cell, cell_index)
        if msg["msg_type"] not in OUTPUTS or self._takes(content):
            return super().process_message(msg, cell, cell_index)
        if self.room < 0:
            return None
        self.room = -1
        return super().process_message(_notice(msg), cell, cell_index)

    def _takes(self, content: dict[str, Any]) -> bool:
        size = OVERHEAD + len(content.get("text", "")) + sum(map(_length, content.get("data", {}).values()))
        if self.room < size:
            return False
        self.room -= size
        return True


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(repr(value))


def _cut(content: dict[str, Any]) -> dict[str, Any]:
    trace = "\n".join(content.get("traceback") or ())[-LONGEST_ERROR:]
    return {**content, "evalue": str(content.get("evalue"))[:LONGEST_ERROR], "traceback": trace.split("\n")}


def _notice(msg: dict[str, Any]) -> dict[str, Any]:
    """A message that says, in place of another one, that output is cut from here on."""
    content = {"name": "stderr", "text": CUT.format(MOST_OUTPUT)}
    return {**msg, "msg_type": "stream", "header": {**msg["header"], "msg_type": "stream"}, "content": content}

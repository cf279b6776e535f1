"""A program on a terminal of its own, and what a person sees there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = re.compile(r"(\x1b\[[?0-9;]*[A-Za-z]|[^\x1b]+)")
CONTROL = re.compile(r"\x1b\[(?P<number>\?25|[0-9;]*)(?P<command>[A-Za-z])|(?P<plain>[^\x1b])", re.DOTALL)


class Screen:
    """What a terminal shows after the text that it was sent; just what a bar needs of one.

    Attributes:
        lines: what is seen.
        cursor: whether the cursor is seen.
    """

    def __init__(self) -> None:
        self.lines = [""]
        self.cursor = True
        self._row = 0
        self._column = 0

    def send(self, text: str) -> None:
        position = 0
        while position < len(text):
            found = CONTROL.match(text, position)
            assert found, f"a control that this terminal does not know: {text[position : position + 10]!r}"
            position = found.end()
            if found["plain"]:
                self._put(found["plain"])
            else:
                self._control(found["number"], found["command"])

    def seen(self) -> str:
        """All lines, without the empty ones at the end."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._row += 1
            if self._row == len(self.lines):
                self.lines.append("")
        else:
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
            self._column += 1

    def _control(self, number: str, command: str) -> None:
        if command == "A":
            self._row = max(0, self._row - int(number or 1))
        elif command == "K":
            assert number == "2"
            self.lines[self._row] = ""
        elif number == "?25":
            self.cursor = command == "h"
        else:
            assert command == "m", f"a control that this terminal does not know: {number}{command}"


class Program:
    """A Python program whose terminal is ours."""

    def __init__(self, source: str) -> None:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
        command = [sys.executable, "-c", source]
        root = Path(__file__).parents[3]
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=root, start_new_session=True
        )
        os.close(theirs)
        self._terminal = ours
        self.screen = Screen()
        self.raw = ""

    def views(self) -> Iterator[str]:
        """What is seen after each piece of text, until the program ends."""
        rest = ""
        while data := self._read():
            *whole, rest = PIECE.split(rest + data)
            for piece in filter(None, whole):
                self.raw += piece
                self.screen.send(piece)
                yield self.screen.seen()

    def _read(self) -> str:
        """The next text, or nothing at the end."""
        try:
            return os.read(self._terminal, 1 << 16).decode(errors="replace")
        except OSError:  # nobody holds the other side any more
            return ""

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(2)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        os.close(self._terminal)
        return self._process.wait()

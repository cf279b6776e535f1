"""The text of one task: what its code printed, logged and warned of, kept in bounds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from threading import RLock

from omcore.runtimes.safetext import joined, last_word, safe_text

BLOCK = 1 << 12
"""How many small writes, or characters of them, are joined to one piece, so that many take no more room than a few."""

LONGEST_WORD = 1 << 12
"""Characters of a last word that is held back until it ends; nothing as long is the beginning of an address."""


class TaskLog:
    """What one task said, at most so many characters of it: the first half and the last half.

    Any thread may write and read. What is read has no password of an address in it, and nothing that UTF-8 cannot
    say.
    """

    def __init__(self, limit: int = 1 << 20) -> None:
        """Make an empty log.

        Args:
            limit: how many characters are kept of all that is written, and of what is written between two `take`; at
                least 2.
        """
        self._limit = limit
        self._lock = RLock()  # reentrant: an object may print while it is collected, in the midst of a write
        self._all = _Ends(limit)
        self._new = _Ends(limit)

    def write(self, text: str) -> None:
        """Add text."""
        with self._lock:
            self._all.add(text)
            self._new.add(text)

    def take(self, *, final: bool = False) -> str:
        """What was written since the last time; where that is too much, a line says how much was left out.

        The beginning of an address waits for its end, so that no half of a password leaves.

        Args:
            final: nothing more will be written, so nothing waits.
        """
        with self._lock:
            taken = self._new.kept()
            self._new = _Ends(self._limit)
            if not final:
                taken, rest = taken.without_unfinished()
                self._new.add(rest)
        return taken.text()

    def text(self) -> str:
        """All that was written; where that is too much, a line in the middle says how much was left out."""
        with self._lock:
            kept = self._all.kept()
        return kept.text()

    def __bool__(self) -> bool:
        return self._all.size > 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is left of a text: its beginning, how many characters are missing, its end."""

    head: str
    left_out: int
    tail: str

    def without_unfinished(self) -> tuple[_Kept, str]:
        """The same without a last word that may go on as an address with a password, and that word."""
        text = self.tail or self.head
        word = last_word(text[-LONGEST_WORD:])
        if ":" not in word or len(word) == LONGEST_WORD:
            return self, ""
        shorter = text.removesuffix(word)
        return (replace(self, tail=shorter) if self.tail else replace(self, head=shorter)), word

    def text(self) -> str:
        """As it may be shown."""
        if not self.left_out:
            return safe_text(self.head + self.tail)
        return joined(self.head, self.left_out, self.tail)


class _Ends:
    """The first and the last half of a text that grows."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._room = limit - limit // 2
        self._most = limit // 2
        self._head = _Pieces(limit)
        self._tail = _Pieces(self._most)

    def add(self, text: str) -> None:
        self.size += len(text)
        if self._room:
            first = text[: self._room]
            self._room -= len(first)
            self._head.add(first)
            text = text[len(first) :]
        if text:
            self._tail.add(text[-self._most :])

    def kept(self) -> _Kept:
        head, tail = self._head.text(), self._tail.text()
        return _Kept(head, self.size - len(head) - len(tail), tail)


class _Pieces:
    """The last characters of a text that grows."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._blocks: deque[str] = deque()
        self._size = 0
        self._small: list[str] = []
        self._small_size = 0

    def add(self, text: str) -> None:
        self._small.append(text)
        self._small_size += len(text)
        if self._small_size >= BLOCK or len(self._small) >= BLOCK:
            self._join()

    def _join(self) -> None:
        """Put what came in small writes together, and let go of whole blocks that are too old."""
        small, self._small, self._small_size = self._small, [], 0
        block = "".join(small)
        self._blocks.append(block)
        self._size += len(block)
        while self._size - len(self._blocks[0]) >= self._most:
            self._size -= len(self._blocks.popleft())

    def text(self) -> str:
        self._join()
        return "".join(self._blocks)[-self._most :]

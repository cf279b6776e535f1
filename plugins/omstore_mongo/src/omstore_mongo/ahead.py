"""Fetches the next chunks of a blob while the last ones are used, for who reads from one end to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from concurrent.futures import Future

Fetch: TypeAlias = Callable[[int, int], Iterator[bytes]]
"""Gives the chunks from one number up to another, in order."""

SPAN = 4
"""Chunks that are fetched at a time."""


class ReadAhead:
    """Chunks in spans; after a whole span that follows the one before, the next is on its way already."""

    def __init__(self, fetch: Fetch, count: int) -> None:
        """Fetch nothing yet.

        Args:
            fetch: gives chunks; called from another thread too.
            count: how many chunks there are.
        """
        self._fetch = fetch
        self._count = count
        self._after = 0
        self._next: tuple[int, int, Future[list[bytes]]] | None = None
        self._fetcher: ThreadPoolExecutor | None = None

    def read(self, first: int, end: int) -> Iterator[bytes]:
        """The chunks from one number up to another, in order."""
        for start in range(first, end, SPAN):
            yield from self._span(start, min(start + SPAN, end))

    def _span(self, first: int, end: int) -> list[bytes]:
        on_its_way, self._next = self._next, None
        in_order, self._after = first == self._after, end
        expected = on_its_way is not None and on_its_way[:2] == (first, end)
        if in_order and end - first == SPAN and end < self._count:
            self._send_for(end, min(end + SPAN, self._count))
        return on_its_way[2].result() if on_its_way is not None and expected else list(self._fetch(first, end))

    def _send_for(self, first: int, end: int) -> None:
        if self._fetcher is None:
            self._fetcher = ThreadPoolExecutor(1, "om-read-ahead")
        self._next = first, end, self._fetcher.submit(lambda: list(self._fetch(first, end)))

    def close(self) -> None:
        """Fetch nothing more."""
        if self._fetcher is not None:
            self._fetcher.shutdown(wait=False, cancel_futures=True)

"""Which objects a migration leaves out, as somebody says it: `datasets/sales`, `user/models/*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omcore.errors import InvalidArgumentError
from omcore.objects.queries import matcher
from omcore.sentences import near

if TYPE_CHECKING:
    from collections.abc import Iterable


class Skipping:
    """Remembers which patterns met an object, so that a misspelt one is no silence."""

    def __init__(self, patterns: str | Iterable[str]) -> None:
        """Look at the patterns.

        Args:
            patterns: each a `store/name` or a `bucket/store/name`, or a shell pattern for such.

        Raises:
            InvalidArgumentError: one of them is no text, or too long.
        """
        listed = [patterns] if isinstance(patterns, str) else list(patterns)
        self._matchers = {pattern: matcher(pattern) for pattern in listed}
        self._idle = set(self._matchers)
        self._seen: list[str] = []

    def covers(self, bucket: str, store: str, name: str) -> bool:
        """Say whether an object is to be left out."""
        paths = (f"{store}/{name}", f"{bucket}/{store}/{name}")
        met = {pattern for pattern, matches in self._matchers.items() if any(map(matches, paths))}
        self._idle -= met
        if self._idle:
            self._seen.extend(paths)
        return bool(met)

    def check(self) -> None:
        """After all objects were asked for.

        Raises:
            InvalidArgumentError: a pattern met none of them.
        """
        for pattern in sorted(self._idle):
            advice = near(pattern, self._seen)
            message = f"there is no object {pattern!r} to leave out; {advice}"
            raise InvalidArgumentError(f"{message}skip takes names such as 'datasets/sales' or 'omega/datasets/sales*'")

"""What the reader of a context allows to be loaded."""

from __future__ import annotations

from dataclasses import dataclass

from omcore.objects.codecs.base import Trust


@dataclass(frozen=True, slots=True)
class TrustRules:
    """The rules of one context, as its configuration has them.

    Attributes:
        types: full names of types that are allowed beyond the built-in lists.
        sentence: how to allow what is refused, for the end of an error; names the context's file.
    """

    types: frozenset[str] = frozenset()
    sentence: str = ""

    def for_version(self, signed: bool) -> Trust:
        """What a codec may load of a version, `signed` by an accepted key or not."""
        return Trust(signed, self.types, self.sentence)

"""Runtimes that break one promise each, to show that the kit notices.

Each is the local runtime with one plausible mistake, and names the test of the kit that must catch it.
"""

from omcore.testing.runtime.saboteurs import of_deliveries, of_endings, of_handles, of_labels, of_life
from omcore.testing.runtime.saboteurs.base import Saboteur

SABOTEURS: tuple[type[Saboteur], ...] = tuple(
    kind
    for module in (of_deliveries, of_handles, of_labels, of_endings, of_life)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Saboteur) and "caught_by" in vars(kind)
)
"""All of them."""

__all__ = ["SABOTEURS", "Saboteur"]

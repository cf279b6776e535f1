"""Storages that break one promise each, to show that the kit notices.

Each is the memory storage with one plausible mistake, and names the test of the kit that must catch it.
"""

from omcore.testing.storage.saboteurs import of_blobs, of_life, of_records, of_searches
from omcore.testing.storage.saboteurs.base import Saboteur

SABOTEURS: tuple[type[Saboteur], ...] = tuple(
    kind
    for module in (of_records, of_searches, of_blobs, of_life)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Saboteur) and "caught_by" in vars(kind)
)
"""All of them."""

__all__ = ["SABOTEURS", "Saboteur"]

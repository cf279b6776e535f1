"""Codecs that break one promise each, to show that the kit notices.

Each is an honest codec for lists of integers with one plausible mistake, and names the test of the kit that must catch
it.
"""

from omcore.testing.codec.saboteurs import of_bytes, of_form, of_pieces, of_rows, of_values
from omcore.testing.codec.saboteurs.base import Numbers

SABOTEURS: tuple[type[Numbers], ...] = tuple(
    kind
    for module in (of_form, of_values, of_rows, of_pieces, of_bytes)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Numbers) and "caught_by" in vars(kind)
)
"""All of them."""

__all__ = ["SABOTEURS", "Numbers"]

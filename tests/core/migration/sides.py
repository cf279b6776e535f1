"""Two contexts, what is in them, and how to compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.migration import Side, make_plan
from omcore.migration.sides import kept, names
from omcore.objects.names import STORES
from omcore.signing import Key, KeyRing
from tests.core.promotion.world import Context, Gadget, Note

if TYPE_CHECKING:
    from omcore.migration import Migration
    from omcore.storage.backend import StorageBackend

DEV = KeyRing(Key.of(b"d" * 32))
PROD = KeyRing(Key.of(b"p" * 32))
BUCKETS = ("a", "a-b", "omega")


def side(context: Context) -> Side:
    return Side(context.name, context.storage, context.keys, context.of().codecs)


def dev(storage: StorageBackend) -> Context:
    return Context("dev", storage, DEV)


def prod(storage: StorageBackend) -> Context:
    return Context("prod", storage, PROD)


def migrate(source: Context, target: Context, bucket: str | None = None) -> Migration:
    return make_plan(side(source), side(target), bucket).run()


def picture(context: Context) -> dict[tuple[str, str, str], Any]:
    """Everything that is said about every object, but for who signed it; and the values of those that are there."""
    found: dict[tuple[str, str, str], Any] = {}
    for bucket in side(context).buckets():
        for store in STORES:
            shelf, opened = side(context).shelf(bucket, store), context.of(store, bucket)
            for name in names(shelf):
                each = kept(shelf, name)
                assert each is not None
                head = {key: value for key, value in each.head.to_body().items() if key != "signed_by"}
                values = {number: opened.get(name, number) for number in each.ids} if each.head.live else {}
                found[bucket, store, name] = (head, each.history, each.ids, values)
    return found


def fill(context: Context) -> None:
    """Objects of several kinds in several buckets: versions that share parts, aliases, and one that was dropped."""
    for bucket in BUCKETS:
        gadgets, notes = context.of("models", bucket), context.of("scripts", bucket)
        for number in range(3):
            gadgets.put(Gadget((b"one", b"%d" % number, b"x" * 2_000_000)), "gadget", {"number": number}, why="better")
        gadgets.tag("gadget", "champion", 2)
        gadgets.rollback("gadget", 1)
        notes.put(Note(f"print({bucket!r})"), "note")
        notes.put(Note("gone"), "dropped")
        notes.drop("dropped")
    context.of("datasets").put({"a": [1, 2, 3]}, "plain")

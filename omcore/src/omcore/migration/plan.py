"""Looks at everything before anything is written, and then writes it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omcore.errors import InvalidArgumentError, MigrationRefusedError, PluginNotFoundError, UnsupportedTypeError
from omcore.migration.comparing import compare
from omcore.migration.moving import Mover
from omcore.migration.report import Migration, Moved
from omcore.migration.sides import kept, names
from omcore.migration.skipping import Skipping
from omcore.objects.names import check_bucket
from omcore.objects.parts import transfer
from omcore.sentences import listed, near

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from omcore.migration.sides import Side
    from omcore.objects.codecs.base import Content
    from omcore.objects.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Plan:
    """What a migration is going to do.

    Attributes:
        source: where the objects are.
        target: where they go.
        migration: what would come of it now.
    """

    source: Side
    target: Side
    migration: Migration

    @property
    def size(self) -> int:
        """Bytes of the blobs that are to be written."""
        return sum(each.size for each in self.migration.objects)

    def run(
        self,
        advance: Callable[[float], None] = lambda _: None,
        *,
        verify: bool = False,
        moved: Callable[[Moved], None] = lambda _: None,
    ) -> Migration:
        """Copy one object after the other. Whatever ends it, doing it all again goes on from there.

        Args:
            advance: told the bytes of each blob that was written.
            verify: read also the blobs that the target has already, and mend those that are damaged.
            moved: told each object that is done with.

        Raises:
            MigrationRefusedError: somebody has put another object of a name into the target meanwhile.
            CorruptBlobError, CorruptRecordError, BlobNotFoundError: the source is damaged; names the object. What came
                before it was copied.
            StorageError: one of the storages failed; the same.
        """
        mover = Mover(self.source, self.target, verify, advance)
        objects = []
        for each in self.migration.objects:
            done = each if each.state == "skipped" else mover.move(each.bucket, each.store, each.name)
            moved(done)
            objects.append(done)
        return Migration(self.source.context, self.target.context, tuple(objects), dry_run=False)


def make_plan(source: Side, target: Side, bucket: str | None = None, skip: str | Iterable[str] = ()) -> Plan:
    """Read all records of the source, compare them with those of the target, and write nothing.

    Args:
        source: where the objects are.
        target: where they go.
        bucket: only this bucket; `None` for all.
        skip: objects to leave out, each as `store/name` or `bucket/store/name`, or a pattern for such.

    Raises:
        InvalidArgumentError: source and target are the same storage, or the source has no such bucket, or no such
            object to leave out.
        MigrationRefusedError: some objects cannot go: the target has another object of the name, or no codec for the
            kind of a version, or cannot have that kind. Names all of them, with the reason of each.
        CorruptRecordError: a record is damaged.
    """
    if source.storage.identity == target.storage.identity:
        message = f"contexts {source.context!r} and {target.context!r} have the same storage; name another target"
        raise InvalidArgumentError(message)
    if bucket is not None and check_bucket(bucket) not in (there := source.buckets()):
        message = f"context {source.context!r} has nothing in the bucket {bucket!r}; {near(bucket, there)}"
        raise InvalidArgumentError(f"{message}there are {listed(there)}")
    objects = _Looking(source, target, Skipping(skip)).look(bucket)
    return Plan(source, target, Migration(source.context, target.context, objects, dry_run=True))


class _Looking:
    """Looks at one object after the other, and remembers which cannot go."""

    def __init__(self, source: Side, target: Side, skipping: Skipping) -> None:
        self._sides = (source, target)
        self._skipping = skipping
        self._counted: set[str] = set()
        self._refused: dict[str, str] = {}

    def look(self, bucket: str | None) -> tuple[Moved, ...]:
        """What would become of every object; raises as `make_plan` does."""
        source, target = self._sides
        objects = tuple(self._look(shelf, name) for shelf in source.shelves(bucket) for name in names(shelf))
        self._skipping.check()
        if self._refused:
            raise MigrationRefusedError(_refusal(self._refused, source.context, target.context))
        return objects

    def _look(self, shelf: Shelf, name: str) -> Moved:
        if self._skipping.covers(shelf.bucket, shelf.store, name):
            return Moved(shelf.bucket, shelf.store, name, "skipped")
        try:
            return _look(*self._sides, shelf, name, self._counted)
        except (MigrationRefusedError, UnsupportedTypeError, PluginNotFoundError) as error:
            found = Moved(shelf.bucket, shelf.store, name, "new")
            self._refused[found.path] = str(error)
            return found


def _refusal(refused: Mapping[str, str], source: str, target: str) -> str:
    """The sentence about all objects that cannot go."""
    count = "an object" if len(refused) == 1 else f"{len(refused)} objects"
    reasons = "; ".join(f"{path}: {reason}" for path, reason in refused.items())
    first = next(iter(refused))
    mend = f"mend each, or leave it out (om migrate --skip {shlex.quote(first)}, in Python skip=[{first!r}])"
    return f"nothing was copied, since {count} of {source!r} cannot go to {target!r}: {reasons}; {mend}"


def _look(source: Side, target: Side, ours: Shelf, name: str, counted: set[str]) -> Moved:
    """What would become of one object; `counted` are the blobs of those before."""
    theirs = target.shelf(ours.bucket, ours.store)
    wanted, there = kept(ours, name), kept(theirs, name)
    state = "there" if wanted is None else compare(wanted, there, theirs)
    if wanted is None or state == "ahead":
        return Moved(ours.bucket, ours.store, name, state)
    missing = wanted.missing_in(there)
    for number in missing:
        _check_fits(wanted.contents[number], source, target, f"version {number} of {name!r} in {ours}")
    sizes = wanted.blobs
    fresh = _unseen(sizes, counted)
    written = fresh - theirs.storage.have_blobs(fresh)
    size = sum(sizes[digest] for digest in written)
    return Moved(ours.bucket, ours.store, name, state, len(missing), len(written), size)


def _check_fits(content: Content, source: Side, target: Side, what: str) -> None:
    codec = target.codecs.for_kind(content.kind)
    try:
        transfer(content, codec, source.storage, target.storage, dry_run=True)
    except UnsupportedTypeError as error:
        raise UnsupportedTypeError(f"{what} cannot be in context {target.context!r}: {error}") from error


def _unseen(digests: Collection[str], counted: set[str]) -> frozenset[str]:
    """Those that were in no object before."""
    found = frozenset(digests) - counted
    counted.update(found)
    return found

"""What a migration did, or would do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

State: TypeAlias = Literal["new", "behind", "there", "ahead", "skipped"]
"""How an object in the target was found: not at all, as it was once in the source, as it is, or gone on with since.

One that was `skipped` was to be left out, and nobody looked.
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """One object.

    Attributes:
        bucket: its bucket.
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: its name.
        state: how it was found in the target.
        versions: how many versions were written.
        blobs: how many blobs were written.
        size: their bytes.
    """

    bucket: str
    store: str
    name: str
    state: State
    versions: int = 0
    blobs: int = 0
    size: int = 0

    @property
    def path(self) -> str:
        """What it is called among all objects: `bucket/store/name`."""
        return f"{self.bucket}/{self.store}/{self.name}"


@dataclass(frozen=True, slots=True)
class Migration:
    """What came of all objects.

    Attributes:
        source: the context that they are in.
        target: the context that they went to.
        objects: every object, in the order in which they were looked at.
        dry_run: nothing was written: it is what would be.
    """

    source: str
    target: str
    objects: tuple[Moved, ...]
    dry_run: bool

    @property
    def skipped(self) -> list[str]:
        """The objects that were left out, as `bucket/store/name`, in order."""
        return sorted(each.path for each in self.objects if each.state == "skipped")

    def rows(self) -> list[dict[str, Any]]:
        """A row for each store of each bucket that has objects, and one with the sums."""
        groups: dict[tuple[str, str], list[Moved]] = {}
        for each in self.objects:
            groups.setdefault((each.bucket, each.store), []).append(each)
        found = [_row(bucket, store, moved) for (bucket, store), moved in sorted(groups.items())]
        return [*found, _row("all", "", self.objects)]

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {**asdict(self), "skipped": self.skipped, "total": self.rows()[-1]}

    def __str__(self) -> str:
        """One sentence for people."""
        total = self.rows()[-1]
        done = "would be" if self.dry_run else "were"
        what = f"{total['copied']} of {total['objects']} objects of {self.source} {done} copied to {self.target}"
        cost = f"{total['versions']} versions and {total['blobs']} blobs ({total['bytes']:,} bytes)"
        left = f"; {len(self.skipped)} left out: {listed(self.skipped)}" if self.skipped else ""
        return f"{what}: {cost}; {total['there_already']} there already{left}"


def _row(bucket: str, store: str, moved: Iterable[Moved]) -> dict[str, Any]:
    each = list(moved)
    there = sum(one.state in {"there", "ahead"} for one in each)
    skipped = sum(one.state == "skipped" for one in each)
    sums = {"versions": sum(one.versions for one in each), "blobs": sum(one.blobs for one in each)}
    counts = {"objects": len(each), "copied": len(each) - there - skipped, "there_already": there}
    return {
        "bucket": bucket,
        "store": store,
        **counts,
        "left_out": skipped,
        **sums,
        "bytes": sum(one.size for one in each),
    }

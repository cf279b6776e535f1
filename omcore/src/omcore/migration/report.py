"""What a migration did, or would do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

State: TypeAlias = Literal["new", "behind", "there", "ahead"]
"""How an object in the target was found: not at all, as it was once in the source, as it is, or gone on with since."""


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

    def rows(self) -> list[dict[str, Any]]:
        """A row for each store of each bucket that has objects, and one with the sums."""
        groups: dict[tuple[str, str], list[Moved]] = {}
        for each in self.objects:
            groups.setdefault((each.bucket, each.store), []).append(each)
        found = [_row(bucket, store, moved) for (bucket, store), moved in sorted(groups.items())]
        return [*found, _row("all", "", self.objects)]

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {**asdict(self), "objects": [asdict(each) for each in self.objects], "total": self.rows()[-1]}

    def __str__(self) -> str:
        """One sentence for people."""
        total = self.rows()[-1]
        done = "would be" if self.dry_run else "were"
        what = f"{total['copied']} of {total['objects']} objects of {self.source} {done} copied to {self.target}"
        cost = f"{total['versions']} versions and {total['blobs']} blobs ({total['bytes']:,} bytes)"
        return f"{what}: {cost}; {total['there_already']} there already"


def _row(bucket: str, store: str, moved: Iterable[Moved]) -> dict[str, Any]:
    each = list(moved)
    there = sum(one.state in {"there", "ahead"} for one in each)
    sums = {"versions": sum(one.versions for one in each), "blobs": sum(one.blobs for one in each)}
    counts = {"objects": len(each), "copied": len(each) - there, "there_already": there}
    return {"bucket": bucket, "store": store, **counts, **sums, "bytes": sum(one.size for one in each)}

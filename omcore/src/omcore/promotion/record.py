"""What a promotion was, for its caller, and what the new version keeps of where it came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omcore.promotion.policies import Candidate, Site, Verdict

ACTION = "promote"
"""What the history and the provenance call it."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a promotion wrote and what it found: blobs are written only where they are missing.

    Attributes:
        blobs: how many blobs were written.
        size: their bytes.
        blobs_there: how many the target had.
        size_there: their bytes.
    """

    blobs: int = 0
    size: int = 0
    blobs_there: int = 0
    size_there: int = 0


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion that happened, or, for a dry run, that would happen now.

    Attributes:
        store: `datasets`, `models`, `jobs` or `scripts`.
        source: where the object came from.
        source_name: its name there.
        source_version: the number of its version there.
        target: where it went.
        name: its name there.
        version: the number of the new version; `None` for a dry run.
        replaced: the version that was current before; `None` where there was none.
        verdicts: what each policy said.
        copied: what was written, or for a dry run would be.
        vouched: the target signs the new version, as far as it has a key.
        dry_run: nothing was changed.
    """

    store: str
    source: Site
    source_name: str
    source_version: int
    target: Site
    name: str
    version: int | None
    replaced: int | None
    verdicts: tuple[Verdict, ...]
    copied: Copied
    vouched: bool
    dry_run: bool

    def __str__(self) -> str:
        """One sentence for people: what went where, what it took, and who allowed it."""
        what = f"{self.store}/{self.source_name}@{self.source_version} of {self.source}"
        became = f"could become {self.name}" if self.dry_run else f"is now {self.name}@{self.version}"
        copied = self.copied
        blobs = f"{copied.blobs} {'blob' if copied.blobs == 1 else 'blobs'} ({copied.size} bytes)"
        cost = f"{blobs} {'to write' if self.dry_run else 'written'}"
        allowed = f"; allowed by {', '.join(verdict.policy for verdict in self.verdicts)}" if self.verdicts else ""
        return f"{what} {became} of {self.target}: {cost}, {copied.blobs_there} there already{allowed}"

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {**asdict(self), "verdicts": [asdict(verdict) for verdict in self.verdicts]}


def provenance_of(candidate: Candidate, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """How the new version came to be.

    Returns:
        `promoted_from`: this promotion, with its verdicts and all that the source says of the version, so that it can
        be told when the source is gone; `chain`: the promotions before it, the oldest first; `origin`: how the object
        came to be before its first promotion.
    """
    version, before = candidate.version, candidate.version.provenance
    hop = {
        "context": candidate.source.context,
        "bucket": candidate.source.bucket,
        "store": candidate.store,
        "name": candidate.name,
        "version": version.number,
        "id": version.id,
        "created": version.created,
        "author": version.author,
        "signature": dict(version.signature),
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
    return {"action": ACTION, "promoted_from": hop, "chain": _chain(before), "origin": _origin(before)}


def _chain(provenance: Mapping[str, Any]) -> list[Any]:
    return [*provenance["chain"], provenance["promoted_from"]] if _is_promotion(provenance) else []


def _origin(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    origin: Mapping[str, Any] = provenance["origin"] if _is_promotion(provenance) else provenance
    return origin


def _is_promotion(provenance: Mapping[str, Any]) -> bool:
    """Whether it has the form that `provenance_of` gives it; what users put themselves may have any."""
    form = (("promoted_from", dict), ("chain", list), ("origin", dict))
    return provenance.get("action") == ACTION and all(isinstance(provenance.get(key), kind) for key, kind in form)

"""Promotion: bring a version to another context or bucket, if the target's policies allow it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omcore.errors import InvalidArgumentError, ObjectNotFoundError, VersionConflictError
from omcore.objects.base import MOST_ATTEMPTS, settle
from omcore.objects.names import check_name
from omcore.objects.parts import transfer
from omcore.objects.references import parse_reference
from omcore.promotion.asking import ask
from omcore.promotion.copying import copy_blobs
from omcore.promotion.events import Promoted, Promoting
from omcore.promotion.policies import Candidate, Site
from omcore.promotion.record import ACTION, Promotion, provenance_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.base import Codec, Content
    from omcore.objects.drafts import Draft, Plan
    from omcore.objects.references import Pin, Reference
    from omcore.objects.store import ObjectStore
    from omcore.objects.versions import Version
    from omcore.promotion.events import PromotionEvents
    from omcore.promotion.policies import PromotionPolicy, Verdict

PROGRAMS = frozenset({"jobs", "scripts"})
"""The stores whose objects exist to be run, however plain they are to read."""


def promote(
    source: ObjectStore,
    name: str | Reference,
    target: ObjectStore,
    policies: Sequence[PromotionPolicy],
    *,
    events: PromotionEvents,
    version: int | str | None = None,
    asname: str | None = None,
    dry_run: bool = False,
    why: str = "",
) -> Promotion:
    """Bring a version to another store of the same kind, as the new current version of an object there.

    Blobs that the target has are not written again. The new version refers to nothing in the source, which may be
    dropped afterwards. The target's key vouches for it only if the source's keys vouch for what it is made of, or if it
    is data that runs no code: a promotion never makes trusted what was not.

    Args:
        source: where the object is.
        name: the object's name, or a reference with a version.
        target: where it is to go: the same store (`models`) of another context or bucket, or under another name.
        policies: what the target asks; all of them are asked, and all must allow it.
        events: whom to ask before anything is copied, and to tell afterwards.
        version: a number or an alias; the current version if neither this nor the reference names one.
        asname: the name in the target; `None` for the same.
        dry_run: ask the policies and the plugins, say what would be copied, and change nothing.
        why: a sentence for the target's history; where it came from, if it is empty.

    Raises:
        ObjectNotFoundError: there is no such object, or (`VersionNotFoundError`) no such version of it.
        InvalidArgumentError: source and target do not fit, or are the same.
        PromotionRefusedError: policies refused; lists every veto. Nothing was written.
        VetoError: a plugin refused. Nothing was written.
        PluginNotFoundError: the target has no codec for this kind.
        StorageError: a blob could not be read or written; the target's object is as it was.
    """
    pin = _pin(source, name, version)
    job = _Job(source, pin, target, check_name(pin.name if asname is None else asname), tuple(policies), events, why)
    _check_different(job)
    for _ in range(MOST_ATTEMPTS - 1):
        try:
            return job.run(dry_run=dry_run)
        except VersionConflictError:  # the policies saw another version in the target than what is there now
            continue
    return job.run(dry_run=dry_run)


def _pin(source: ObjectStore, name: str | Reference, version: int | str | None) -> Pin:
    """The version that is meant, for certain."""
    reference = parse_reference(name)
    if reference.columns is not None:
        whole = replace(reference, columns=None)
        raise InvalidArgumentError(
            f"{str(reference)!r} names columns but a version goes as a whole; say {str(whole)!r}"
        )
    if version is not None and reference.version is not None:
        raise InvalidArgumentError(f"{str(reference)!r} names a version and version={version!r} another; give one")
    return source.pin(reference if version is None else replace(reference, version=version)).pin


def _check_different(job: _Job) -> None:
    source, target, name = job.source, job.target, job.target_name
    if source.store != target.store:
        message = f"{job.pin} cannot go to {target.store}; promote it to {source.store} of the target"
        raise InvalidArgumentError(message)
    same_place = source.storage.identity == target.storage.identity and source.bucket == target.bucket
    if same_place and job.pin.name == name:
        mend = "name another context, another bucket or another name (asname), or use rollback for an older version"
        raise InvalidArgumentError(f"{job.pin} cannot be promoted onto itself in {_site(target)}; {mend}")


@dataclass(frozen=True, slots=True)
class _Job:
    """One promotion, for as often as it takes."""

    source: ObjectStore
    pin: Pin
    target: ObjectStore
    target_name: str
    policies: tuple[PromotionPolicy, ...]
    events: PromotionEvents
    why: str

    def run(self, *, dry_run: bool) -> Promotion:
        """Ask, copy, commit, tell.

        Raises:
            VersionConflictError: the target's object moved since the policies were asked.
        """
        candidate = self._candidate()
        vouched = self._may_vouch(candidate)
        verdicts = ask(self.policies, candidate)
        self.events.veto_promotion(Promoting(candidate, verdicts, dry_run))
        content = candidate.version.content
        copied = copy_blobs(content, self.source.storage, self.target.storage, dry_run=dry_run)
        transfer(content, self._codec(content), self.source.storage, self.target.storage, dry_run=dry_run)
        plan = None if dry_run else self._publish(self._draft(candidate, verdicts, vouched=vouched))
        promotion = Promotion(
            store=candidate.store,
            source=candidate.source,
            source_name=candidate.name,
            source_version=candidate.version.number,
            target=candidate.target,
            name=candidate.target_name,
            version=plan.version.number if plan else None,
            replaced=candidate.current.number if candidate.current else None,
            verdicts=verdicts,
            copied=copied,
            vouched=vouched,
            dry_run=dry_run,
        )
        if plan:
            self.target.announce(plan)
            self.events.tell_promotion(Promoted(promotion))
        return promotion

    def _candidate(self) -> Candidate:
        version = self.source.pinned_version(self.pin)
        return Candidate(
            store=self.source.store,
            name=self.pin.name,
            target_name=self.target_name,
            version=version,
            source=_site(self.source),
            target=_site(self.target),
            signed=self.source.vouches_for(version),
            current=_current(self.target, self.target_name),
            _load=lambda: self.source.load(self.pin),
        )

    def _may_vouch(self, candidate: Candidate) -> bool:
        """Whether the target may sign what it gets: its origin is vouched for, or it can run no code."""
        plain = self._codec(candidate.version.content).plain
        return candidate.signed or (plain and candidate.store not in PROGRAMS)

    def _codec(self, content: Content) -> Codec:
        return self.target.codecs.for_kind(content.kind)

    def _draft(self, candidate: Candidate, verdicts: tuple[Verdict, ...], *, vouched: bool) -> Draft:
        version = candidate.version
        return self.target.stage_content(
            version.content,
            self.target_name,
            version.attributes,
            expected=candidate.current.number if candidate.current else 0,
            why=self.why or f"{candidate.source}/{self.pin}",
            provenance=provenance_of(candidate, verdicts),
            action=ACTION,
            vouch=vouched,
        )

    def _publish(self, draft: Draft) -> Plan:
        def attempt() -> Plan:
            plan = self.target.plan(draft)
            self.target.storage.commit(plan.changes)
            return plan

        return settle(attempt)


def _current(target: ObjectStore, name: str) -> Version | None:
    try:
        return target.pinned_version(target.pin(name).pin)
    except ObjectNotFoundError:
        return None


def _site(store: ObjectStore) -> Site:
    return Site(store.context, store.bucket)

"""What makes new versions in a store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omcore.errors import ConflictError, InvalidArgumentError, UnsupportedTypeError, VersionConflictError
from omcore.objects.base import StoreBase, settle
from omcore.objects.codecs.base import SupportsAppend
from omcore.objects.drafts import Draft, Plan
from omcore.objects.events import Putting, Stored
from omcore.objects.heads import Move, now, published
from omcore.objects.keys import head_key, version_key
from omcore.objects.metadata import Metadata
from omcore.objects.names import check_name, shown
from omcore.objects.parts import BlobSink, BlobSource
from omcore.objects.plain import plain_object
from omcore.objects.sealing import seal
from omcore.objects.versions import Version
from omcore.signing import KeyRing
from omcore.storage.backend import Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omcore.objects.codecs.base import Codec, Content
    from omcore.objects.versions import Head


class WritingStore(StoreBase):
    """Makes versions: blobs first, then the record, and last the head that points at it."""

    def put(
        self,
        value: Any,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        append: bool = False,
        kind: str | None = None,
        expected: int | None = None,
        why: str = "",
        provenance: Mapping[str, Any] | None = None,
    ) -> Metadata:
        """Store a value as the new current version of an object, whole or not at all.

        Args:
            value: what to store.
            name: the object's name.
            attributes: what to say about it, as JSON; `None` keeps what was said about the current version.
            append: add the rows to those of the current version; where there is none, this is as without.
            kind: the format; what fits the value best for `None`.
            expected: the version that must be the current one, 0 for none; `None` to replace whatever is.
            why: a sentence for the history.
            provenance: how it came to be, as JSON.

        Raises:
            InvalidNameError: the name is not allowed.
            InvalidArgumentError: attributes or provenance are not JSON.
            UnsupportedTypeError: no codec takes the value, or rows cannot be appended to what is there.
            VersionConflictError: another version than `expected` is current; nothing was changed.
            VetoError: a plugin refused it; nothing was written.
        """
        draft = self.stage(
            value, name, attributes, append=append, kind=kind, expected=expected, why=why, provenance=provenance
        )

        def attempt() -> Plan:
            nonlocal draft
            try:
                return self._committed(self.plan(draft))
            except ConflictError:
                draft = self._extended_again(draft, value)
                raise

        plan = settle(attempt)
        self.announce(plan)
        return Metadata.of_head(plan.head, self._shelf)

    # --- in two steps, for who commits a version together with other changes

    def stage(
        self,
        value: Any,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        append: bool = False,
        kind: str | None = None,
        expected: int | None = None,
        why: str = "",
        provenance: Mapping[str, Any] | None = None,
        action: str = "",
        author: str = "",
    ) -> Draft:
        """Write the bytes of a value, and touch no record; the first half of `put`.

        Args:
            value: as in `put`, as all that are not named here.
            name: as in `put`.
            attributes: as in `put`.
            append: as in `put`.
            kind: as in `put`.
            expected: as in `put`; checked here, and again by `plan`.
            why: as in `put`.
            provenance: as in `put`.
            action: what the history calls it; `put` or `append` where it is empty.
            author: whose version it is; the store's author where it is empty.

        Raises:
            OmError: as `put`.
        """
        name = check_name(name)
        known = None if attributes is None else plain_object(attributes, "attributes")
        origin = plain_object(provenance or {}, "provenance")
        self._check_expected(name, expected)
        codec = self._codecs.for_value(value, self.store, kind)
        self._events.veto_put(Putting(self.context, self.bucket, self.store, name, codec.kind, known or {}, value))
        if append:
            content, base = self._extend(codec, value, name)
        else:
            content, base = codec.encode(value, BlobSink(self.storage)), None
        move = action or ("append" if append else "put")
        return Draft(name, content, known, origin, move, why, author or self._author, expected, base)

    def stage_content(
        self,
        content: Content,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        expected: int | None = None,
        why: str = "",
        provenance: Mapping[str, Any] | None = None,
        action: str = "put",
        author: str = "",
        vouch: bool = True,
        shown: Any = None,
    ) -> Draft:
        """As `stage`, for content whose blobs are in the storage already.

        Args:
            content: what a codec wrote.
            name: as in `put`, as all that are not named here.
            attributes: as in `put`.
            expected: as in `put`; checked by `plan`.
            why: as in `put`.
            provenance: as in `put`.
            action: what the history calls it.
            author: whose version it is; the store's author where it is empty.
            vouch: sign the version; `False` for content of an origin that nobody vouches for.
            shown: what plugins are asked about before, as the value; `None` to ask none.

        Raises:
            InvalidNameError: the name is not allowed.
            InvalidArgumentError: attributes or provenance are not JSON.
            VetoError: a plugin refused it.
        """
        known = None if attributes is None else plain_object(attributes, "attributes")
        origin = plain_object(provenance or {}, "provenance")
        if shown is not None:
            asked = Putting(self.context, self.bucket, self.store, check_name(name), content.kind, known or {}, shown)
            self._events.veto_put(asked)
        return Draft(
            check_name(name), content, known, origin, action, why, author or self._author, expected, vouch=vouch
        )

    def plan(self, draft: Draft) -> Plan:
        """Say what to commit so that a draft becomes the current version; reads the head, and changes nothing.

        Commit `changes`, alone or with others, then call `announce`. If the commit raises `ConflictError` for the
        head, plan again.

        Raises:
            VersionConflictError: another version than the draft expects is current.
            ConflictError: the draft appends to a version that is not the current one any more; stage it again.
        """
        found = self._shelf.find(draft.name)
        head, revision = (found.head, found.revision) if found else (None, None)
        current = (head.current if head else None) or 0
        if draft.expected not in {None, current}:
            raise self._unexpected(draft.name, draft.expected, current)
        if draft.base not in {None, current}:
            raise ConflictError(head_key(self.bucket, self.store, draft.name), str(draft.base), str(current))
        version = seal(self._numbered(draft, head), self._keys if draft.vouch else KeyRing())
        moved = published(head, version, Move(draft.action, draft.author, draft.why))
        key = version_key(self.bucket, self.store, draft.name, version.number)
        changes = (Put(key, version.to_body(), None), *self._shelf.changes(moved, revision))
        return Plan(version, moved.head, changes)

    def announce(self, plan: Plan) -> None:
        """Tell plugins that a plan was committed."""
        self._events.tell_put(Stored.of(self.context, self.bucket, plan.version))

    def _committed(self, plan: Plan) -> Plan:
        self.storage.commit(plan.changes)
        return plan

    def _numbered(self, draft: Draft, head: Head | None) -> Version:
        kept = head.attributes if head else {}
        return Version(
            store=self.store,
            name=draft.name,
            number=head.latest + 1 if head else 1,
            content=draft.content,
            attributes=kept if draft.attributes is None else draft.attributes,
            provenance=draft.provenance,
            created=now(),
            author=draft.author,
        )

    def _check_expected(self, name: str, expected: int | None) -> None:
        """Refuse early what `plan` would refuse after all the bytes were written."""
        if expected is None:
            return
        if isinstance(expected, bool) or not isinstance(expected, int) or expected < 0:
            raise InvalidArgumentError(f"expected={shown(expected)} is no version; give a number, or 0 for no version")
        found = self._shelf.find(name)
        current = (found.head.current if found else None) or 0
        if expected != current:
            raise self._unexpected(name, expected, current)

    def _unexpected(self, name: str, expected: int | None, current: int) -> VersionConflictError:
        there = f"version {current} is" if current else "there is none"
        asked = f"a put of {name!r} in {self._shelf} expected version {expected} to be the current one"
        mend = "read it again, make your change again and put it"
        return VersionConflictError(f"{asked} but {there}; {mend} with expected={current}")

    # --- appending

    def _extend(self, codec: Codec, value: Any, name: str) -> tuple[Content, int]:
        """The content of the current version with a value appended, and that version's number; 0 for none."""
        sink, source = BlobSink(self.storage), BlobSource(self.storage)
        found = self._shelf.find(name)
        if found is None or found.head.current is None:
            return codec.encode(value, sink), 0
        current = self._version(found, found.head.current)
        if current.kind != codec.kind:
            asked = f"cannot append {codec.kind!r} to {name!r} in {self._shelf}, which is {current.kind!r}"
            raise UnsupportedTypeError(f"{asked}; convert the value, or put it without append")
        if not isinstance(codec, SupportsAppend):
            raise UnsupportedTypeError(
                f"objects of kind {codec.kind!r} cannot be appended to; put the whole without append"
            )
        return codec.append(current.content, value, sink, source), current.number

    def _extended_again(self, draft: Draft, value: Any) -> Draft:
        """The draft as it must be now that the head has moved; what appends nothing stays as it is."""
        if draft.base is None:
            return draft
        codec = self._codecs.for_kind(draft.content.kind)
        content, base = self._extend(codec, value, draft.name)
        return replace(draft, content=content, base=base)

"""Seals on versions: an id that is the digest of all a version says, and a signature on that id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from blake3 import blake3

from omcore.errors import CorruptRecordError, InvalidArgumentError
from omcore.objects.plain import canonical_json
from omcore.objects.versions import Version

if TYPE_CHECKING:
    from omcore.signing import KeyRing
    from omcore.storage.backend import Body

PURPOSE = "version"
"""What a version's signature is for."""

_OUTSIDE = frozenset({"id", "signature"})


def seal(version: Version, keys: KeyRing) -> Version:
    """The version with its id, signed where the ring has a key of its own.

    Raises:
        InvalidArgumentError: its codec described the content with something that is not JSON.
    """
    try:
        number = _digest(version.to_body())
    except (TypeError, ValueError) as error:
        mend = "its schema, details and statistics must be JSON; tell its author"
        message = f"the codec of kind {version.kind!r} described its content with what is not JSON ({error}); {mend}"
        raise InvalidArgumentError(message) from error
    return replace(version, id=number, signature=keys.sign(PURPOSE, number.encode()))


def unseal(body: Body) -> Version:
    """Read a version from its record.

    Raises:
        CorruptRecordError: the record is not what was written.
    """
    version = Version.from_body(body)
    if _digest(body) != version.id:
        altered = f"version {version.number} of {version.name!r} in {version.store} was altered"
        raise CorruptRecordError(f"{altered}: its record does not match its id; restore the storage from a backup")
    return version


def signed(version: Version, keys: KeyRing) -> bool:
    """Whether a key that the ring accepts vouches for the version."""
    return bool(version.signature) and keys.verify(PURPOSE, version.id.encode(), version.signature)


def resealed(version: Version, source: KeyRing, target: KeyRing) -> Version:
    """The version as another context keeps it, the id the same.

    Its signature stays where the target accepts it. Else the target's own key signs, if it has one and the source
    accepts the signature. What nobody vouches for is not signed anew.
    """
    if signed(version, target) or not signed(version, source):
        return version
    return replace(version, signature=target.sign(PURPOSE, version.id.encode()) or version.signature)


def _digest(body: Body) -> str:
    """The digest of a version's record, without what is derived from the digest."""
    return blake3(canonical_json({key: value for key, value in body.items() if key not in _OUTSIDE})).hexdigest()

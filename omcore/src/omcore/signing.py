"""Keys that vouch for tasks and versions: HMAC-SHA256, named by a fingerprint of the key."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from omcore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORTEST_KEY = 16
"""Bytes below which a key is refused: 128 bits."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret shared by those who may sign for a context.

    Attributes:
        id: 16 hexadecimal digits that name the key and tell nothing about it.
    """

    id: str
    _secret: bytes

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Make a key of secret bytes.

        Raises:
            ConfigurationError: they are too few.
        """
        if len(secret) < SHORTEST_KEY:
            mend = "make one with 'openssl rand -hex 32'"
            message = f"a signing key has {len(secret)} bytes but must have at least {SHORTEST_KEY}; {mend}"
            raise ConfigurationError(message)
        return cls(hashlib.sha256(b"omcore key id\0" + secret).hexdigest()[:16], secret)

    def mac(self, purpose: str, data: bytes) -> str:
        """The code of `data` for one purpose: a signature for a task is none for a version."""
        return hmac.new(self._secret, purpose.encode() + b"\0" + data, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"Key({self.id})"


class KeyRing:
    """The key a context signs with, and the keys whose signatures it accepts (its own is one of them)."""

    def __init__(self, own: Key | None = None, accepted: Iterable[Key] = ()) -> None:
        self._own = own
        self._accepted = {key.id: key for key in (*accepted, *([own] if own else []))}

    def __bool__(self) -> bool:
        """Whether there is any key to check against."""
        return bool(self._accepted)

    @property
    def own(self) -> str:
        """The id of the key this ring signs with, or empty."""
        return self._own.id if self._own else ""

    def sign(self, purpose: str, data: bytes) -> dict[str, str]:
        """Vouch for `data`: `{"key": id, "mac": hex}`, or empty where the ring has no key of its own."""
        return {"key": self._own.id, "mac": self._own.mac(purpose, data)} if self._own else {}

    def verify(self, purpose: str, data: bytes, signature: Mapping[str, str]) -> bool:
        """Say whether `signature` is by an accepted key, for this purpose and these bytes."""
        key = self._accepted.get(str(signature.get("key", "")))
        mac = str(signature.get("mac", ""))
        return key is not None and hmac.compare_digest(key.mac(purpose, data).encode(), mac.encode())

    def __repr__(self) -> str:
        return f"KeyRing(own={self.own or None}, accepted={sorted(self._accepted)})"

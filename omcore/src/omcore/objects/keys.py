"""Under which keys the records of an object are kept: made of a hash of its name, so that no two names share a key."""

from __future__ import annotations

from blake3 import blake3

PREFIX = "objects/"
"""What the keys of all records of objects begin with."""


def name_hash(name: str) -> str:
    """128 bits of the BLAKE3 digest of a canonical name, in hexadecimal."""
    return blake3(name.encode()).hexdigest(length=16)


def heads_prefix(bucket: str, store: str) -> str:
    """What the keys of all heads of a store begin with."""
    return f"{PREFIX}{bucket}/{store}/heads/"


def head_key(bucket: str, store: str, name: str) -> str:
    """The key of an object's head; `name` is canonical."""
    return heads_prefix(bucket, store) + name_hash(name)


def versions_prefix(bucket: str, store: str, name: str) -> str:
    """What the keys of all versions of an object begin with."""
    return f"{PREFIX}{bucket}/{store}/versions/{name_hash(name)}/"


def version_key(bucket: str, store: str, name: str, number: int) -> str:
    """The key of one version; keys are in the order of the numbers."""
    return f"{versions_prefix(bucket, store, name)}{number:010d}"


def history_key(bucket: str, store: str, name: str, page: int) -> str:
    """The key of one page of an object's older moves; pages count from 0."""
    return f"{PREFIX}{bucket}/{store}/history/{name_hash(name)}/{page:06d}"

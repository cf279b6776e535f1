"""The object stores: what users call `om.datasets`, `om.models`, `om.jobs` and `om.scripts`."""

from __future__ import annotations

from omcore.objects.pointing import PointingStore
from omcore.objects.reading import Pinned, ReadingStore
from omcore.objects.trust import TrustRules
from omcore.objects.writing import WritingStore

__all__ = ["ObjectStore", "Pinned", "TrustRules"]


class ObjectStore(ReadingStore, WritingStore, PointingStore):
    """One store of one bucket: named objects, each a row of versions that never change.

    Reading is in `ReadingStore`, making versions in `WritingStore`, moving pointers in `PointingStore`. A version is
    visible from the moment its head points at it, whole; whoever loses a race reads again and repeats, so no version is
    lost and each number is given once. Safe to share between threads.
    """

"""Which blobs a promotion writes: exactly those that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from omcore.objects.codecs.base import Content, Part
from omcore.promotion.copying import copy_blobs
from omcore.storage.backend import Place
from omcore.storage.memory import MemoryOptions, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOBS = st.lists(st.binary(max_size=4), max_size=8)


def opened(blobs: Sequence[bytes]) -> tuple[MemoryStorage, list[Part]]:
    storage = MemoryStorage(MemoryOptions(), Place("test", Path()))
    infos = [storage.write_blob([blob]) for blob in blobs]
    return storage, [Part(info.digest, info.size) for info in infos]


@given(parts=BLOBS, there=BLOBS)
def test_what_is_missing_is_written_once_and_what_is_there_is_counted(parts: list[bytes], there: list[bytes]) -> None:
    source, content = opened(parts)
    target, _ = opened(there)
    wanted, missing = set(parts), set(parts) - set(there)
    foreseen = copy_blobs(Content("bytes", tuple(content)), source, target, dry_run=True)
    assert not any(target.has_blob(part.digest) for part in content if part.digest in digests(missing))
    copied = copy_blobs(Content("bytes", tuple(content)), source, target, dry_run=False)
    assert foreseen == copied
    assert (copied.blobs, copied.size) == (len(missing), sum(map(len, missing)))
    assert (copied.blobs_there, copied.size_there) == (len(wanted - missing), sum(map(len, wanted - missing)))
    assert all(target.open_blob(part.digest).read() == blob for part, blob in zip(content, parts, strict=True))


def digests(blobs: set[bytes]) -> set[str]:
    return {part.digest for part in opened(sorted(blobs))[1]}

"""Storages that break a promise about blobs or their age."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from omcore.storage.backend import BlobInfo
from omcore.storage.digests import digest_of
from omcore.storage.memory import StoredBlob
from omcore.testing.storage.saboteurs.base import Saboteur

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class ReadsUnverified(Saboteur):
    """Believes what is stored."""

    caught_by = "test_a_damaged_blob_is_not_returned"

    def open_blob(self, digest: str) -> BinaryIO:
        blob = self._space.blobs.get(digest)
        return super().open_blob(digest) if blob is None else io.BytesIO(blob.content)


class KeepsDamage(Saboteur):
    """Skips the writing of what is there, whatever is there."""

    caught_by = "test_writing_again_mends_a_damaged_blob"

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        content = b"".join(chunks)
        info = BlobInfo(digest_of(content), len(content))
        return info if self.has_blob(info.digest) else super().write_blob([content])


class ShowsHalfABlob(Saboteur):
    """Puts in place what there is so far."""

    caught_by = "test_an_iterable_that_raises_leaves_no_blob"

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        content, info = b"", super().write_blob([b""])
        for chunk in chunks:
            self.delete_blob(info.digest, datetime.max.replace(tzinfo=UTC))
            content += chunk
            info = super().write_blob([content])
        return info


class KeepsBuffers(Saboteur):
    """Collects the pieces, and looks at them in the end."""

    caught_by = "test_a_producer_may_use_one_buffer_again_and_again"

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        return super().write_blob(list(chunks))


class LeaksErrors(Saboteur):
    """Lets the error of its library through."""

    caught_by = "test_a_blob_that_is_not_there_is_reported_as_such"

    def open_blob(self, digest: str) -> BinaryIO:
        return io.BytesIO(self._space.blobs[digest].content)


class ForgetsToRenew(Saboteur):
    """Says that a blob is there, and lets it be collected a moment later."""

    caught_by = "test_asking_for_a_blob_makes_it_young"

    def has_blob(self, digest: str) -> bool:
        return digest in self._space.blobs


class DeletesWhatIsYoung(Saboteur):
    """Deletes what it is told to, and does not ask how old it is."""

    caught_by = "test_asking_for_a_blob_makes_it_young"

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        return super().delete_blob(digest, max(older_than, datetime.now(UTC)))


class LooksThenDeletes(Saboteur):
    """Looks at the age, and a moment later deletes."""

    caught_by = "test_a_blob_that_was_just_written_is_not_deleted"

    def delete_blob(self, digest: str, older_than: datetime) -> bool:
        blob = self._space.blobs.get(digest)
        if blob is None or blob.renewed >= older_than:
            return False
        time.sleep(0.001)
        return self._space.blobs.pop(digest, None) is not None


class SweepsTooMuch(Saboteur):
    """Takes a whole blob for what an unfinished write left."""

    caught_by = "test_sweeping_takes_nothing_that_is_whole"

    def sweep(self, older_than: datetime) -> int:
        return sum(blob.size for blob in self._old(older_than) if self.delete_blob(blob.digest, older_than))

    def _old(self, older_than: datetime) -> Iterator[BlobInfo]:
        return iter(list(self.find_blobs(older_than)))


class KeepsTwice(Saboteur):
    """Stores equal bytes again, under another name."""

    caught_by = "test_writing_the_same_bytes_twice_makes_one_blob"

    def write_blob(self, chunks: Iterable[bytes | bytearray | memoryview]) -> BlobInfo:
        content = b"".join(chunks)
        digest = digest_of(content)
        name = f"{digest[:-1]}x" if digest in self._space.blobs else digest
        self._space.blobs[name] = StoredBlob(content, datetime.now(UTC))
        return BlobInfo(name, len(content))

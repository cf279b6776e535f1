"""Promises about blobs: what is written comes back, whole, verified, under its digest."""

from __future__ import annotations

import io
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import pytest
from blake3 import blake3

from omcore.errors import BlobNotFoundError
from omcore.storage.backend import CHUNK_SIZE, BlobInfo, StorageBackend
from omcore.testing.storage.fixtures import FUTURE, StorageKit, contents, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.storage.backend import Place
    from omcore.testing.storage.fixtures import OpenStorage

Piece: TypeAlias = bytes | bytearray | memoryview

SIZES = (0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE + 7)

NO_DIGESTS = ("", "a", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "é" * 64, "0" * 64 + "\n", "\0" * 64)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not compress, the same for the same arguments."""
    return random.Random(f"{seed}/{size}").randbytes(size)  # noqa: S311 -- not a secret


class BlobPromises(StorageKit):
    """Writing and reading blobs."""

    @pytest.mark.parametrize("size", SIZES)
    def test_a_blob_comes_back_byte_for_byte(self, storage: StorageBackend, size: int) -> None:
        """If this fails, check how you split a content into chunks, above all when its size is a multiple of them."""
        content = noise(size)
        info = storage.write_blob([content])
        assert info == BlobInfo(blake3(content).hexdigest(), size)
        with storage.open_blob(info.digest) as file:
            assert summary(file.read()) == summary(content)

    def test_pieces_of_any_kind_and_size_make_the_same_blob(self, storage: StorageBackend) -> None:
        """If this fails, check that you take any buffer and any iterable, and allow empty pieces."""
        content = noise(CHUNK_SIZE + 100)
        whole = storage.write_blob([content])
        pieces: list[Piece] = [content[:7], b"", bytearray(content[7:90_000]), memoryview(content)[90_000:]]
        assert storage.write_blob(iter(pieces)) == whole
        assert storage.write_blob(content[at : at + 8191] for at in range(0, len(content), 8191)) == whole
        assert list(contents(storage)) == [whole.digest]

    def test_a_producer_may_use_one_buffer_again_and_again(self, storage: StorageBackend) -> None:
        """If this fails, check that you are done with a piece, or have copied it, before you ask for the next."""

        def pieces() -> Iterator[memoryview]:
            buffer = bytearray(100_000)
            for number in range(30):
                buffer[:] = noise(100_000, number)
                yield memoryview(buffer)

        info = storage.write_blob(pieces())
        with storage.open_blob(info.digest) as file:
            assert summary(file.read()) == summary(b"".join(noise(100_000, number) for number in range(30)))

    def test_pieces_are_not_held_together_in_memory(self, storage: StorageBackend) -> None:
        """If this fails, check that you pass pieces on as they come instead of collecting them."""
        tracemalloc.start()
        try:
            info = storage.write_blob(bytes([number]) * CHUNK_SIZE for number in range(48))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert info.size == 48 * CHUNK_SIZE
        assert peak < 24 * CHUNK_SIZE

    def test_writing_the_same_bytes_twice_makes_one_blob(self, storage: StorageBackend) -> None:
        """If this fails, check that the digest alone names a blob."""
        assert storage.write_blob([b"same"]) == storage.write_blob([b"sa", b"me"])
        assert len(list(storage.find_blobs(FUTURE))) == 1

    def test_an_iterable_that_raises_leaves_no_blob(self, storage: StorageBackend) -> None:
        """If this fails, check that a blob gets its name last, and that you let the producer's own error through."""

        class ProducerError(Exception):
            pass

        def pieces() -> Iterator[bytes]:
            yield noise(2 * CHUNK_SIZE)
            yield b"more"
            raise ProducerError

        with pytest.raises(ProducerError):
            storage.write_blob(pieces())
        assert contents(storage) == {}
        assert not storage.has_blob(blake3(noise(2 * CHUNK_SIZE) + b"more").hexdigest())

    def test_a_blob_is_not_visible_before_it_is_whole(self, storage: StorageBackend) -> None:
        """If this fails, check that what is being written lies where no reader looks."""
        seen: list[object] = []

        def pieces() -> Iterator[bytes]:
            yield b"all there is"
            seen.append(storage.has_blob(blake3(b"all there is").hexdigest()))
            seen.append(contents(storage))

        storage.write_blob(pieces())
        assert seen == [False, {}]

    def test_ranged_reads_give_the_same_bytes_as_slices(self, storage: StorageBackend) -> None:
        """If this fails, check seeking and reading across the border of two chunks."""
        content = noise(3 * CHUNK_SIZE + 7)
        dice = random.Random(1)  # noqa: S311 -- not a secret
        with storage.open_blob(storage.write_blob([content]).digest) as file:
            for _ in range(50):
                start, length = dice.randrange(len(content) + 10), dice.choice((0, 1, 100, CHUNK_SIZE, 2 * CHUNK_SIZE))
                assert file.seek(start) == start
                assert summary(file.read(length)) == summary(content[start : start + length])
                assert file.tell() == start + len(content[start : start + length])

    def test_a_blob_is_a_seekable_file(self, storage: StorageBackend) -> None:
        """If this fails, check that you return a whole `BinaryIO`: `io.BufferedReader` around a raw file is one."""
        content = noise(CHUNK_SIZE + 20)
        with storage.open_blob(storage.write_blob([content]).digest) as file:
            assert (file.readable(), file.seekable()) == (True, True)
            assert file.seek(-10, io.SEEK_END) == CHUNK_SIZE + 10
            assert (file.read(4), file.seek(2, io.SEEK_CUR)) == (content[-10:-6], CHUNK_SIZE + 16)
            assert (file.read(), file.read(), file.read(1)) == (content[-4:], b"", b"")
            file.seek(CHUNK_SIZE - 2)
            assert file.read(5) == content[CHUNK_SIZE - 2 : CHUNK_SIZE + 3]
        assert file.closed

    def test_two_readers_of_one_blob_do_not_disturb_each_other(self, storage: StorageBackend) -> None:
        """If this fails, check that each opened blob has a position of its own."""
        digest = storage.write_blob([b"0123456789"]).digest
        with storage.open_blob(digest) as one, storage.open_blob(digest) as two:
            assert (one.read(4), two.read(2), one.read(2), two.read(2)) == (b"0123", b"01", b"45", b"23")

    @pytest.mark.parametrize("text", ["0" * 64, *NO_DIGESTS])
    def test_a_blob_that_is_not_there_is_reported_as_such(self, storage: StorageBackend, text: str) -> None:
        """If this fails, check that text which is no digest is treated as a blob that does not exist."""
        with pytest.raises(BlobNotFoundError):
            storage.open_blob(text)
        assert not storage.has_blob(text)
        assert storage.have_blobs([text]) == frozenset()
        assert not storage.delete_blob(text, FUTURE)

    def test_many_threads_write_and_read_at_once(self, storage: StorageBackend) -> None:
        """If this fails, check what threads share: temporary names, connections, positions."""

        def write_and_read(number: int) -> bool:
            content = noise(50_000, number % 5)
            with storage.open_blob(storage.write_blob([content[:99], content[99:]]).digest) as file:
                return file.read() == content

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(write_and_read, range(40)))
        assert len(contents(storage)) == 5

    def test_another_opening_sees_a_blob_at_once(
        self, storage: StorageBackend, open_storage: OpenStorage, place: Place
    ) -> None:
        """If this fails, check that a blob that was acknowledged is nowhere cached only."""
        info = storage.write_blob([b"seen by all"])
        with open_storage(place) as other, other.open_blob(info.digest) as file:
            assert file.read() == b"seen by all"

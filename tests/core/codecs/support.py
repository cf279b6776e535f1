"""Write a value with a codec, and read it back, from memory or from files."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

import pandas as pd
import pytest

from omcore.objects.codecs.base import Content, Query, Trust
from omcore.objects.codecs.frames import block, compaction, container, rows
from omcore.objects.codecs.memory import MemorySink, MemorySource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.objects.codecs.base import Codec, Part

TRUSTED = Trust(signed=True)
NOBODY = Trust()
ALL = Query()


@dataclass
class Kept:
    """What a codec wrote, and where.

    Attributes:
        codec: who wrote it.
        content: what was written.
        sink: where.
        opened: the names of the parts that were opened for reading.
    """

    codec: Any
    content: Content
    sink: MemorySink
    opened: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, value: Any, codec: Codec) -> Kept:
        sink = MemorySink()
        return cls(codec, codec.encode(value, sink), sink)

    @property
    def source(self) -> Noting:
        return Noting(self)

    def get(self, query: Query = ALL, trust: Trust = NOBODY) -> Any:
        return self.codec.decode(self.content, self.source, query, trust)

    def batches(self, query: Query = ALL) -> list[Any]:
        return list(self.codec.batches(self.content, self.source, query, NOBODY))

    def append(self, value: Any) -> Kept:
        return Kept(self.codec, self.codec.append(self.content, value, self.sink, self.source), self.sink)


class Noting(MemorySource):
    """Memory that notes which parts are opened."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.sink.blobs)
        self._kept = kept

    def open(self, part: Part) -> BinaryIO:
        self._kept.opened.append(part.name)
        return super().open(part)


class Folder:
    """Parts as files, and a count of the bytes that were read from streams."""

    def __init__(self, folder: Path, mapped: bool) -> None:
        self._folder = folder
        self._mapped = mapped
        self.read = 0

    def keep(self, kept: Kept) -> Folder:
        for number, blob in enumerate(kept.sink.blobs):
            (self._folder / str(number)).write_bytes(blob)
        return self

    def path(self, part: Part, *, whole: bool = True) -> Path | None:
        return self._folder / part.digest if self._mapped else None

    def open(self, part: Part) -> BinaryIO:
        outer = self

        class Counting(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                outer.read += len(data)
                return data

        return Counting((self._folder / part.digest).read_bytes())


@contextmanager
def tiny_parts(part_rows: int = 7, group_rows: int = 3) -> Iterator[None]:
    """Let every frame be written as Parquet, in parts and groups of a few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "PART_ROWS", part_rows)
        patch.setattr(container, "GROUP_ROWS", group_rows)
        patch.setattr(container, "FEW_CELLS", 0)
        patch.setattr(block, "FEW_CELLS", 0)
        patch.setattr(compaction, "MOST_SMALL", 10_000)
        yield


def same_frame(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Fail unless two frames are the same in every respect, down to the types of objects."""
    assert type(left) is type(right)
    pd.testing.assert_frame_equal(
        left, right, check_exact=True, check_freq=True, check_flags=True, check_column_type=True, check_index_type=True
    )
    assert left.attrs == right.attrs
    for place in range(left.shape[1]):
        same_cells(left.iloc[:, place], right.iloc[:, place])


def same_cells(left: pd.Series[Any], right: pd.Series[Any]) -> None:
    """Fail unless two series of objects hold objects of the same types."""
    if left.dtype == object:
        assert list(map(type, left)) == list(map(type, right))
        assert [repr(cell) for cell in left] == [repr(cell) for cell in right]

"""Promotion between two embedded contexts on one disk, against copying a file; and of what is there already."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

import omcore as om
from benchmarks.harness import Bar, Duel, Pair
from benchmarks.pairs.frames import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega

LARGE = 200_000_000
SMALL = 1_000


def _context(path: Path) -> Omega:
    return om.setup(storage={"backend": "embedded", "path": str(path)})


def _array(size: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(1).standard_normal(size // 8)


class _Fresh:
    """A target that has nothing yet."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "prod"
        self.target = _context(self._path)

    def renew(self) -> None:
        """Forget the target, and open an empty one."""
        self.target.close()
        shutil.rmtree(self._path, ignore_errors=True)
        self.target = _context(self._path)
        self.target.datasets.list()


@contextmanager
def _copy(folder: Path) -> Iterator[Duel]:
    original, copy = folder / "original.bin", folder / "copy.bin"
    array = _array(LARGE)
    array.tofile(original)

    def by_hand() -> None:
        shutil.copyfile(original, copy)
        sync(copy)

    with _context(folder / "dev") as dev:
        dev.datasets.put(array, "large")
        del array
        fresh = _Fresh(folder)
        yield Duel(
            ours=lambda: dev.datasets.promote("large", fresh.target.datasets),
            peer=by_hand,
            before_ours=fresh.renew,
            before_peer=lambda: copy.unlink(missing_ok=True),
        )
        fresh.target.close()


@contextmanager
def _again(folder: Path) -> Iterator[Duel]:
    with ExitStack() as stack:

        def promoted(name: str, size: int) -> Callable[[], object]:
            dev = stack.enter_context(_context(folder / name / "dev"))
            prod = stack.enter_context(_context(folder / name / "prod"))
            dev.datasets.put(_array(size), name)
            return lambda: dev.datasets.promote(name, prod.datasets)

        yield Duel(promoted("large", LARGE), promoted("small", SMALL))


PAIRS = (
    Pair("promotion.first", "promote 200 MB", "copy of a file of 200 MB, fsync", None, 5, _copy),
    Pair("promotion.again", "promote 200 MB again", "promote 1 kB again", Bar(ratio=1.5), 5, _again, calls=20),
)

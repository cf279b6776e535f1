"""A context `dev` and a context `prod`, on each pair of backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.signing import Key, KeyRing
from omcore.storage.backend import CHUNK_SIZE
from tests.core.promotion.world import BACKENDS, Context, Gadget, Note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["memory-memory", "memory-embedded", "embedded-memory", "embedded-embedded"])
def contexts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Context, Context]]:
    first, _, second = request.param.partition("-")
    with BACKENDS[first](tmp_path / "dev", "dev") as dev, BACKENDS[second](tmp_path / "prod", "prod") as prod:
        yield Context("dev", dev, KeyRing(Key.of(b"d" * 32))), Context("prod", prod, KeyRing(Key.of(b"p" * 32)))


@pytest.fixture
def dev(contexts: tuple[Context, Context]) -> Context:
    return contexts[0]


@pytest.fixture
def prod(contexts: tuple[Context, Context]) -> Context:
    return contexts[1]


@pytest.fixture
def gadget() -> Gadget:
    """Three parts, two of them equal, one of several chunks."""
    return Gadget((b"small", b"large" * CHUNK_SIZE, b"small"))


@pytest.fixture
def note() -> Note:
    return Note("print('good night')")

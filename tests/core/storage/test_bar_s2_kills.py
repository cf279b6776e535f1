"""S2: a writer that is killed at any moment tears nothing and loses nothing that it acknowledged."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.testing.storage.crash import kill_writers
from omcore.testing.storage.saboteurs.of_durability import AcknowledgesEarly, HeadFirst, WritesInPlace

if TYPE_CHECKING:
    from pathlib import Path


def opener(kind: type[EmbeddedStorage], folder: Path) -> partial[EmbeddedStorage]:
    return partial(kind, EmbeddedOptions(), Place("killed", folder))


@pytest.mark.parametrize("kind", [AcknowledgesEarly, HeadFirst, WritesInPlace])
def test_the_harness_catches_a_planted_defect(tmp_path: Path, kind: type[EmbeddedStorage]) -> None:
    crashes = islice(kill_writers(opener(kind, tmp_path), seed=2), 200)
    assert any(crash.problems for crash in crashes)


def test_kills_tear_nothing_and_lose_nothing(tmp_path: Path, scale: int) -> None:
    crashes = list(islice(kill_writers(opener(EmbeddedStorage, tmp_path), seed=1), 20 * scale))
    assert [problem for crash in crashes for problem in crash.problems] == []
    assert sum(crash.acknowledged for crash in crashes) > len(crashes) / 2

"""The kit for storages fails for every saboteur, in the test that was meant for it, and passes for an honest one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from omcore.testing.storage.machine import compare_sequences
from omcore.testing.storage.saboteurs import SABOTEURS, Saboteur

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

CONFORMANCE = """
import dataclasses
import pytest
from omcore.testing.storage import StorageConformance
from omcore.testing.storage.saboteurs import {module} as saboteurs

class TestIt(StorageConformance):
    secrets = ("open-sesame",)

    @pytest.fixture
    def open_storage(self):
        return saboteurs.{name}.opened

    def damage_blob(self, place, digest, position):
        with saboteurs.{name}.opened(place) as storage:
            blob = storage._space.blobs[digest]
            content = bytearray(blob.content)
            content[position] ^= 1
            storage._space.blobs[digest] = dataclasses.replace(blob, content=bytes(content))
"""


def failures(pytester: pytest.Pytester, kind: type[Saboteur], select: str) -> tuple[int, int]:
    """How many of the selected tests of the kit pass, and how many fail."""
    pytester.makepyfile(CONFORMANCE.format(module=kind.__module__.rpartition(".")[2], name=kind.__name__))
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-k", select)
    outcomes = result.parseoutcomes()
    assert "errors" not in outcomes
    return outcomes.get("passed", 0), outcomes.get("failed", 0)


@pytest.mark.parametrize("kind", SABOTEURS, ids=lambda kind: kind.__name__)
def test_the_kit_catches_it(pytester: pytest.Pytester, kind: type[Saboteur]) -> None:
    _, failed = failures(pytester, kind, kind.caught_by)
    assert failed > 0


def test_every_test_that_catches_a_saboteur_passes_for_an_honest_storage(pytester: pytest.Pytester) -> None:
    passed, failed = failures(pytester, Saboteur, " or ".join({kind.caught_by for kind in SABOTEURS}))
    assert failed == 0
    assert passed >= len({kind.caught_by for kind in SABOTEURS})


FOUND_BY_SEQUENCES = (
    "TornCommit",
    "CountsRevisions",
    "TakesTrueForOne",
    "PrefixIsAPattern",
    "KeepsTwice",
    "ClosesForAll",
)


@pytest.mark.parametrize("name", FOUND_BY_SEQUENCES)
def test_made_up_sequences_alone_catch_it(tmp_path: Path, name: str) -> None:
    (kind,) = (kind for kind in SABOTEURS if kind.__name__ == name)
    with pytest.raises((AssertionError, KeyError)):
        compare_sequences(kind.opened, tmp_path, 2000)  # it ends with the first that shows it: at times a late one


def test_made_up_sequences_find_nothing_in_an_honest_storage(tmp_path: Path) -> None:
    compare_sequences(Saboteur.opened, tmp_path, 20)


def test_there_are_saboteurs_of_every_kind() -> None:
    modules = {kind.__module__.rpartition(".")[2] for kind in SABOTEURS}
    assert modules == {"of_records", "of_searches", "of_blobs", "of_life"}
    assert len(SABOTEURS) >= 20

"""Records and logs of tasks that ended long ago are cleared away; what the tasks stored stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import omcore
from omcore.errors import TaskNotFoundError

from .harness import put_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.runtimes.handle import Handle

DAY = 86_400.0
SAY = """
def run(om, word):
    print(word)
    return [1, 2, 3]
"""


@pytest.fixture
def om(tmp_path: Path) -> Iterator[Omega]:
    config = tmp_path / "omcore.toml"
    config.write_text(
        '[contexts.default]\nstorage = { backend = "embedded", durability = "process" }\ntasks = { keep = 2 }\n'
    )
    with omcore.setup(config=config) as om:
        put_script(om, tmp_path, "say", SAY)
        yield om


def said(om: Omega, word: str) -> Handle:
    handle: Handle = om.runtime.mode(local=True).script("say").run(word, into=f"made/{word}")
    handle.get()
    assert handle.logs() == f"{word}\n"
    return handle


def let_days_pass(om: Omega, monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    monkeypatch.setattr(om.context.records, "now", lambda: time.time() + days * DAY)


def test_what_ended_longer_ago_than_is_kept_is_cleared_away_with_its_log(
    om: Omega, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = said(om, "once")
    let_days_pass(om, monkeypatch, 1.9)
    assert om.context.clear_tasks() == 0
    let_days_pass(om, monkeypatch, 2.1)
    assert om.context.clear_tasks() == 1
    assert om.runtime.tasks() == []
    with pytest.raises(TaskNotFoundError):
        om.runtime.task(handle.id)
    assert list(om.context.logs.read(handle.id)) == []
    assert om.datasets.get("made/once") == [1, 2, 3]
    assert om.context.clear_tasks() == 0


def test_where_everything_is_kept_nothing_is_cleared_away(om: Omega, monkeypatch: pytest.MonkeyPatch) -> None:
    said(om, "for ever")
    settings = om.context.settings
    tasks = settings.tasks.model_copy(update={"keep": None})
    om.context.settings = settings.model_copy(update={"tasks": tasks})
    let_days_pass(om, monkeypatch, 36_500)
    assert om.context.clear_tasks() == 0
    assert len(om.runtime.tasks()) == 1

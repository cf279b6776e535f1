"""The benchmarks measure in turns, judge by the bar, and report what they measured."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks.harness import Bar, Duel, Pair, Result, Times, measure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pair(name: str, log: list[str], *, bar: Bar | None = None, rounds: int = 2, calls: int = 1) -> Pair:
    @contextmanager
    def opened(folder: Path) -> Iterator[Duel]:
        assert list(folder.iterdir()) == []
        log.append(f"open {name}")
        yield Duel(
            ours=lambda: log.append(f"{name} ours"),
            peer=lambda: log.append(f"{name} peer"),
            before_ours=lambda: log.append(f"{name} before"),
        )
        log.append(f"close {name}")

    return Pair(name, "ours", "a peer", bar, rounds, opened, calls)


def result(ours: float, peer: float, bar: Bar | None) -> Result:
    return Result(pair("x", [], bar=bar), Times((ours,)), Times((peer,)))


def test_pairs_go_round_robin_and_the_sides_take_turns(tmp_path: Path) -> None:
    log: list[str] = []
    results = measure([pair("a", log, rounds=2), pair("b", log, rounds=1, calls=2)], tmp_path)
    warm = [line for name in "ab" for line in (f"open {name}", f"{name} before", f"{name} ours", f"{name} peer")]
    first = ["a before", "a ours", "a peer", "b before", "b ours", "b before", "b ours", "b peer", "b peer"]
    second = ["a peer", "a before", "a ours"]
    assert log == [*warm, *first, *second, "close b", "close a"]
    assert [(each.pair.name, len(each.ours.calls), len(each.peer.calls)) for each in results] == [
        ("a", 2, 2),
        ("b", 2, 2),
    ]


@pytest.mark.parametrize(
    ("bar", "ours", "holds"),
    [
        (Bar(ratio=1.5), 15, True),
        (Bar(ratio=1.5), 15.1, False),
        (Bar(over=0.5), 10.5, True),
        (Bar(over=0.5), 10.6, False),
        (Bar(ratio=2, over=0.5), 11, False),
        (None, 1000, None),
    ],
)
def test_a_bar_is_a_ratio_or_a_distance(bar: Bar | None, ours: float, holds: bool | None) -> None:
    assert result(ours, 10, bar).holds is holds


def test_the_95th_percentile_is_a_time_that_was_measured() -> None:
    assert Times(tuple(map(float, range(1, 101)))).p95 == 95
    assert Times((3.0, 1.0, 2.0)).p95 == 3
    assert Times((1.0,)).p95 == 1


def run(monkeypatch: pytest.MonkeyPatch, bar: Bar, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(command, "PAIRS", (pair("quick.one", [], bar=bar), pair("quick.two", [])))
    done = CliRunner().invoke(command.main, arguments)
    return done.exit_code, done.output


def test_the_command_prints_a_table_and_writes_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = run(monkeypatch, Bar(over=1000), "quick.o*", "--json", str(tmp_path / "sub/results.json"), "--check")
    assert code == 0, output
    assert "quick.one" in output
    assert "+1000 ms kept" in output
    (written,) = json.loads((tmp_path / "sub/results.json").read_text())["pairs"]
    assert (written["name"], written["holds"], len(written["ours"]["calls_ms"])) == ("quick.one", True, 2)


def test_a_missed_bar_is_told_and_with_check_it_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ("quick.one", "--json", str(tmp_path / "results.json"))
    code, output = run(monkeypatch, Bar(over=-1000), *arguments)
    assert (code, "MISSED" in output) == (0, True)
    code, output = run(monkeypatch, Bar(over=-1000), *arguments, "--check")
    assert code == 1


def test_an_unknown_pair_is_a_mistake_that_names_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = run(monkeypatch, Bar(ratio=1), "quick.three")
    assert code == 2
    assert "no pair is called 'quick.three'; there are quick.one, quick.two" in " ".join(output.split())

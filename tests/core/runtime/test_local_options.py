"""What a configuration may say about the local runtime, and what it comes to mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from loky import cpu_count
from pydantic import ValidationError

from omcore.errors import ConfigurationError
from omcore.runtimes.layout import MOST_BY_DEFAULT
from omcore.runtimes.local import LocalOptions

from .conftest import run

if TYPE_CHECKING:
    from .conftest import StartLocal

POOLS = {
    "workers": 1,
    "labels": ["small"],
    "pools": {"big": {"workers": 2, "labels": ["memory"]}, "odd": {}},
}


def test_there_are_as_many_workers_as_usable_cores_and_not_too_many(start_local: StartLocal) -> None:
    assert len(start_local({}).workers()) == min(cpu_count(), MOST_BY_DEFAULT)


def test_each_pool_has_its_workers_and_its_labels(start_local: StartLocal) -> None:
    workers = start_local(POOLS).workers()
    assert {worker.id: set(worker.labels) for worker in workers} == {
        "default-1": {"small"},
        "big-1": {"memory"},
        "big-2": {"memory"},
        "odd-1": set(),
    }


def test_a_label_of_the_vocabulary_is_offered_by_the_pool_it_means(start_local: StartLocal) -> None:
    vocabulary = {"gpu": {"pool": "big"}, "cheap": {"pool": "default"}, "memory": {}}
    runtime = start_local(POOLS, labels=vocabulary)
    assert {worker.id: set(worker.labels) for worker in runtime.workers()} == {
        "default-1": {"small", "cheap"},
        "big-1": {"memory", "gpu"},
        "big-2": {"memory", "gpu"},
        "odd-1": set(),
    }
    assert run(runtime, "result = 1", "gpu", "memory") == "1"


def test_a_label_of_the_vocabulary_that_means_itself_needs_a_worker_that_offers_it(start_local: StartLocal) -> None:
    assert not start_local(POOLS, labels={"lonely": {}}).serves(frozenset({"lonely"}))


def test_a_label_that_means_an_unknown_pool_is_refused(start_local: StartLocal) -> None:
    sentence = (
        "label 'gpu' of context 'here' means the pool 'bgi', which the local runtime does not have; did you mean "
        "'big'? its pools are 'big', 'default', 'odd'"
    )
    with pytest.raises(ConfigurationError) as caught:
        start_local(POOLS, labels={"gpu": {"pool": "bgi"}})
    assert str(caught.value) == sentence


def test_a_meaning_for_another_engine_is_refused(start_local: StartLocal) -> None:
    with pytest.raises(ConfigurationError, match=r"label 'gpu' of context 'here' .* takes \{ pool = "):
        start_local(labels={"gpu": {"queue": "gpu-a100"}})


@pytest.mark.parametrize(
    "options",
    [
        {"workers": -1},
        {"workers": "many"},
        {"threads": 0},
        {"pools": {"big": {"workers": 0}}},
        {"pools": {"big": {"wokers": 1}}},
        {"pools": {"default": {"workers": 1}}},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LocalOptions.model_validate(options)


THREADS = "import os; result = os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS']"


def test_the_libraries_of_a_worker_get_the_threads_that_the_options_say(
    start_local: StartLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert run(start_local({"workers": 1, "threads": 7}), THREADS) == "('7', '7')"
    share = str(max(1, cpu_count() // 2))
    assert run(start_local({"workers": 2}), THREADS) == str((share, share))


def test_what_the_environment_says_about_threads_goes_first(
    start_local: StartLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert run(start_local({"workers": 1, "threads": 7}), THREADS) == "('5', '7')"


def test_the_limit_is_in_force_when_a_library_is_loaded(
    start_local: StartLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    program = "import numpy, threadpoolctl; result = {p['num_threads'] for p in threadpoolctl.threadpool_info()}"
    assert run(start_local({"workers": 1, "threads": 1}), program) == "{1}"

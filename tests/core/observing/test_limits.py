"""A task that needs more memory than it was given gets a `MemoryError` that says so; its process goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import InvalidArgumentError, StorageError
from omcore.runtimes.limits import LARGEST_SIZE, memory_limit, parse_size, task_memory

pytestmark = pytest.mark.slow  # real allocations in processes of their own

MIB = 1 << 20

PROGRAM = """
import json, resource, sys
import numpy as np
from omcore.runtimes.limits import memory_limit

def said(action, size):
    try:
        with memory_limit(size):
            action()
    except MemoryError as error:
        return type(error).__name__ + ": " + str(error)
    return "done"

def by_numpy(size):
    return lambda: np.ones(size, dtype=np.uint8)

def bit_by_bit():
    pieces = []
    while True:
        pieces.append([len(pieces)])

def by_arrow(size):
    import pyarrow
    return lambda: pyarrow.allocate_buffer(size)

def by_pandas(rows):
    import pandas
    return lambda: pandas.DataFrame({"x": np.arange(10)}).reindex(range(rows))

def nested():
    with memory_limit(1 << 30):
        np.ones(100 << 20, dtype=np.uint8)

limits = resource.getrlimit(resource.RLIMIT_DATA)
print(json.dumps({name: said(action, size << 20) for name, (action, size) in ACTIONS.items()}))
assert resource.getrlimit(resource.RLIMIT_DATA) == limits
assert len(np.empty(600 << 20, dtype=np.uint8))
"""

ACTIONS = {
    "enough": "(by_numpy(20 << 20), 64)",
    "numpy": "(by_numpy(500 << 20), 64)",
    "Python at once": "(lambda: bytearray(500 << 20), 64)",
    "Python bit by bit": "(bit_by_bit, 32)",
    "Arrow": "(by_arrow(500 << 20), 64)",
    "Arrow, enough": "(by_arrow(20 << 20), 64)",
    "pandas": "(by_pandas(100_000_000), 64)",
    "a larger limit within": "(nested, 64)",
}


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What became of each action, all in one process that goes on after each."""
    actions = ", ".join(f"{name!r}: {action}" for name, action in ACTIONS.items())
    program = PROGRAM.replace("ACTIONS", f"{{{actions}}}")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit memory")
@pytest.mark.parametrize("action", ACTIONS)
def test_who_needs_more_than_it_was_given_is_told_how_much_that_was(said: dict[str, str], action: str) -> None:
    if "enough" in action:
        assert said[action] == "done"
    else:
        given = "32.0MiB" if action == "Python bit by bit" else "64.0MiB"
        assert said[action].startswith(f"MemoryError: the task was given {given} of memory, which was not enough")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit memory")
def test_what_a_library_says_of_it_is_kept(said: dict[str, str]) -> None:
    assert "Unable to allocate 500. MiB for an array" in said["numpy"]
    assert "malloc of size 524288000 failed" in said["Arrow"]


def test_no_limit_changes_nothing_and_other_errors_pass() -> None:
    with memory_limit(None):
        pass
    with pytest.raises(KeyError, match="other"), memory_limit(1 << 40):
        raise KeyError("other")
    with pytest.raises(MemoryError) as raised, memory_limit(None):
        raise MemoryError("as it is")
    assert str(raised.value) == "as it is"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit memory")
@pytest.mark.parametrize(
    ("error", "noted"),
    [
        *((kind("odd"), True) for kind in (OSError, RuntimeError, ImportError, StorageError)),
        *((kind("odd"), False) for kind in (KeyError, ValueError)),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_what_want_of_memory_may_look_like_is_noted(error: Exception, noted: bool) -> None:
    with pytest.raises(type(error)) as raised, task_memory("t", 1 << 40, alone=True):
        raise error
    note = "the task was given 1,099,511,627,776 bytes of memory, and that may be the cause"
    assert getattr(raised.value, "__notes__", []) == [note] * noted


def test_a_process_that_does_other_things_too_cannot_hold_a_task_to_it() -> None:
    with (
        pytest.raises(InvalidArgumentError, match="task t may take 7 bytes, but its worker runs other things"),
        task_memory("t", 7, alone=False),
    ):
        pytest.fail("it ran without the limit")


def test_where_it_cannot_be_done_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with (
        pytest.raises(InvalidArgumentError, match=r"at most 2\.0GiB of memory, but darwin cannot"),
        memory_limit(1 << 31),
    ):
        pytest.fail("it ran without the limit")


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MiB", 512 * MIB), ("2GB", 2_000_000_000), (" 1.5 gib ", 1536 * MIB), ("1000", 1000), (7, 7), ("1b", 1)],
)
def test_sizes_are_read_as_people_write_them(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MB",
        "-5MB",
        "0",
        0,
        -1,
        True,
        None,
        1.5,
        "5 parsecs",
        "1e400",
        "9" * 400,
        "2EiB",
        "1\x1bMB",
        "1,000MB",
        "1.5.5GB",
        "5 MB more",
    ],
)
def test_what_is_no_size_is_refused_in_one_sentence(text: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        parse_size(text)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 200
    assert str(raised.value).endswith("as 512MiB or 2GB")


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats().map(str)))
def test_any_text_is_a_size_or_refused(text: str | int) -> None:
    try:
        size = parse_size(text)
    except InvalidArgumentError:
        return
    assert 0 < size <= LARGEST_SIZE

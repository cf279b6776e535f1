"""A program runs only where a key that the context accepts has signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import omcore
from omcore.errors import TaskFailedError, UntrustedError
from tests.core.programs.made import notebook

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega

ANN, BEN = "the key of ann, 32 bytes long ...", "the key of ben, 32 bytes long ..."
CONTEXT = """
[contexts.default]
storage = {{ backend = "embedded", durability = "process" }}
signing_key = "{key}"
trust.keys = [{accepted}]
"""


def opened(folder: Path, key: str, *accepted: str) -> Omega:
    """The store in a folder, as somebody with these keys sees it."""
    path = folder / "omcore.toml"
    path.write_text(CONTEXT.format(key=key, accepted=", ".join(f'"{one}"' for one in accepted)))
    return omcore.setup(config=path)


def store_programs(omega: Omega, folder: Path) -> None:
    mark = folder / "it ran"
    (folder / "etl.py").write_text(f"open({str(mark)!r}, 'w').close()\ndef run(om): return 'ran'\n")
    omega.scripts.put(folder / "etl.py", "etl")
    omega.jobs.put(notebook(f"open({str(mark)!r}, 'w').close()"), "etl")


@pytest.mark.parametrize("proxy", ["script", "job"])
def test_a_program_that_no_accepted_key_signed_is_not_run_and_the_error_says_how_to_allow_it(
    tmp_path: Path, proxy: str
) -> None:
    with opened(tmp_path, ANN) as ann:
        store_programs(ann, tmp_path)
    with opened(tmp_path, BEN) as ben:
        handle = getattr(ben.runtime.mode(local=True), proxy)("etl").run()
        with pytest.raises(TaskFailedError) as refused:
            handle.get()
    assert isinstance(refused.value.__cause__, UntrustedError)
    text = str(refused.value)
    assert f"{proxy}s/etl@1 was not run" in text
    assert str(tmp_path / "omcore.toml") in text
    assert "'keys' below [contexts.default.trust]" in text
    assert ANN not in text
    assert BEN not in text
    assert not (tmp_path / "it ran").exists()


def test_a_program_runs_once_its_key_is_accepted(tmp_path: Path) -> None:
    with opened(tmp_path, ANN) as ann:
        store_programs(ann, tmp_path)
    with opened(tmp_path, BEN, ANN) as ben:
        assert ben.runtime.mode(local=True).script("etl").run().get() == "ran"
    assert (tmp_path / "it ran").exists()


def test_a_context_without_any_key_runs_no_program(tmp_path: Path) -> None:
    with omcore.setup(storage={"backend": "memory"}) as omega:
        store_programs(omega, tmp_path)
        with pytest.raises(TaskFailedError, match="was not run: no key"):
            omega.runtime.mode(local=True).script("etl").run().get()
    assert not (tmp_path / "it ran").exists()

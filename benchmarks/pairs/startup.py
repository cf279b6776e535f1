"""What it costs to be asked for help."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Bar, Duel, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

OM = str(Path(sys.executable).with_name("om"))
PEER = (sys.executable, "-c", "import click, pydantic, pluggy")


def _run(*command: str) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def _open(_folder: Path, command: tuple[str, ...]) -> Iterator[Duel]:
    yield Duel(partial(_run, *command), partial(_run, *PEER))


PAIRS = (
    Pair(
        name="startup.help",
        ours="om --help",
        peer="import click, pydantic, pluggy",
        bar=Bar(ratio=1.3),
        rounds=15,
        open=partial(_open, command=(OM, "--help")),
    ),
    Pair(
        name="startup.import",
        ours="import omcore",
        peer="import click, pydantic, pluggy",
        bar=Bar(ratio=1.3),
        rounds=15,
        open=partial(_open, command=(sys.executable, "-c", "import omcore")),
    ),
)

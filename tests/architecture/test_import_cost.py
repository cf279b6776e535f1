"""What `import omcore` and `om --help` do not load; a look at `sys.modules`, not at a clock."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = frozenset({"loky", "numpy", "pandas", "pyarrow", "rich", "sklearn", "stevedore"})
LOADED = "import json, sys; sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
HELP = "import sys; from omcore.cli import main; sys.argv = ['om', '--help']\ntry: main()\nexcept SystemExit: pass"


def loaded_by(program: str) -> frozenset[str]:
    """Run a program in a process of its own and say which top-level modules it loaded."""
    done = subprocess.run([sys.executable, "-c", f"{program}\n{LOADED}"], capture_output=True, text=True, check=True)
    return frozenset(json.loads(done.stderr))


@pytest.mark.parametrize("program", ["import omcore", HELP], ids=["import omcore", "om --help"])
def test_no_heavy_library_is_loaded(program: str) -> None:
    assert not HEAVY & loaded_by(program)


def test_the_look_at_loaded_modules_would_see_a_heavy_one() -> None:
    assert {"stevedore"} <= loaded_by("import stevedore")

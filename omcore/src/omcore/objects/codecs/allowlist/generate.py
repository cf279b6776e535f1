"""Write the list of known globals: pickle real objects of the installed libraries, and note what they are made of.

    python -m omcore.objects.codecs.allowlist.generate

Run it once in an environment of each supported set of releases; it adds to what is there. What a pickle of a real
object names is taken if it is a class of a known library, or a function that `review` lists, and never if `review`
denies it.
"""

from __future__ import annotations

import importlib
import json
import platform
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.allowlist import FILE
from omcore.objects.codecs.allowlist.review import harmless
from omcore.objects.codecs.allowlist.specimens import specimens
from omcore.objects.codecs.loaders import dump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omcore.objects.codecs.loaders import Global

_LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn")


def main() -> None:
    """Add what the installed releases use to the list, and print what was left out."""
    path = Path(__file__).with_name(FILE)
    found = set(_globals())
    left_out = sorted(each for each in found if not harmless(*each, _resolve(*each)))
    _write(path, found.difference(left_out))
    for module, name in left_out:
        print(f"left out: {module} {name}")  # noqa: T201 - a program for the terminal


def _globals() -> Iterable[Global]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the specimens are fitted to whatever data there is
        for specimen in specimens():
            try:
                yield from dump(specimen).globals
            except UnsupportedTypeError:
                continue


def _resolve(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for attribute in name.split("."):
        found = getattr(found, attribute)
    return found


def _write(path: Path, found: Iterable[Global]) -> None:
    known: dict[str, Any] = {"format": 1, "releases": [], "globals": {}}
    if path.exists():
        known = json.loads(path.read_text("utf-8"))
    release = ", ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in _LIBRARIES)])
    known["releases"] = sorted({*known["releases"], release})
    for module, name in found:
        known["globals"][module] = sorted({*known["globals"].get(module, ()), name})
    known["globals"] = dict(sorted(known["globals"].items()))
    path.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""The exact globals that pickles of known libraries are made of.

The list beside this file is generated: `python -m omcore.objects.codecs.allowlist.generate` pickles real objects of
the installed releases and adds what it finds. It holds pairs of module and name, never prefixes.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files

FILE = "known.json"
"""The list: `{"format": 1, "releases": [...], "globals": {module: [name, ...]}}`."""


@functools.cache
def known_globals() -> frozenset[tuple[str, str]]:
    """Every pair of module and name that a pickle may refer to without being signed."""
    known = json.loads(files(__package__).joinpath(FILE).read_text("utf-8"))
    return frozenset((module, name) for module, names in known["globals"].items() for name in names)

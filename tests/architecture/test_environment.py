"""Only the configuration reads the environment; the kit runs other programs, and may."""

from __future__ import annotations

import ast
from pathlib import Path

import omcore.plugin.hookspecs as manual

SOURCE = Path(manual.__file__).parents[1]
READERS = frozenset({"environ", "environb", "getenv", "getenvb", "expandvars"})
MAY_READ = frozenset({"config", "testing"})


def readings(source: str) -> list[int]:
    """The lines of a module that read the environment; to preset a variable for other libraries is no reading."""
    nodes = list(ast.walk(ast.parse(source)))
    presets = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "setdefault"}
    attributes = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in READERS and id(node) not in presets
    ]
    imports = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "os" and READERS & {one.name for one in node.names}
    ]
    return attributes + imports


def test_only_the_configuration_reads_the_environment() -> None:
    modules = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in MAY_READ]
    found = {str(path.relative_to(SOURCE)): readings(path.read_text()) for path in modules}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_planted_reader_is_caught() -> None:
    assert readings("import os\nx = os.environ['A']") == [2]
    assert readings("from os import getenv") == [1]

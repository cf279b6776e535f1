"""Bar X13: a plugin that is installed but not wanted imports nothing; a broken one harms only who needs it.

Every case runs in a process of its own with real distributions. Their modules leave a file behind when they are
imported, whoever imports them and however.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from omcore.plugin.kinds import HOOK_MODULES, KINDS

if TYPE_CHECKING:
    from tests.core.plugin.conftest import Site

GROUPS = (*(kind.group for kind in KINDS), HOOK_MODULES)
MARK = "open(__file__ + '.imported', 'w').close()\nThing = object\n"
FLAWS = {
    "sound": "",
    "raises": "raise RuntimeError('ill')\n",
    "exits": "raise SystemExit(1)\n",
    "lacks a library": "import no_such_library_at_all\n",
    "cannot be parsed": "def (:\n",
}
USE = """
import json, sys
from omcore.plugin.host import PluginHost

host = PluginHost(allow={allow!r}, deny={deny!r})
found = [host.storage_backend("memory").__name__]
host.listing(), host.codecs(), [host.names(group) for group in {groups!r}]
for question in ("storage_backend", "runtime_backend", "proxy", "promotion_policy"):
    try:
        getattr(host, question)("acme", asked_by="a test")
    except Exception as error:
        found.append(type(error).__name__)
print(json.dumps(found))
"""
PLANTED = """
import importlib.metadata, json
for point in importlib.metadata.entry_points(group="omcore.storage"):
    if point.name == "acme":
        point.load()
print(json.dumps([]))
"""


def install(site: Site, flaw: str = "sound") -> None:
    """One package that offers a driver of every kind and a hook module, each in a module of its own."""
    modules = {f"acme_{group.partition('.')[2]}": MARK + FLAWS[flaw] for group in GROUPS}
    points = {
        group: {"acme": name if group == HOOK_MODULES else f"{name}:Thing"}
        for group, name in zip(GROUPS, modules, strict=True)
    }
    site.add("acme", points, modules)


def imported(site: Site) -> set[str]:
    return {path.name.partition(".")[0] for path in site.folder.glob("*.imported")}


def use(site: Site, allow: list[str] | None = None, deny: tuple[str, ...] = ()) -> list[str]:
    found: list[str] = site.run(USE.format(allow=allow, deny=deny, groups=GROUPS))
    return found


def test_an_import_of_a_plugin_that_nobody_wants_would_be_seen(site: Site) -> None:
    install(site)
    site.run(PLANTED)
    assert imported(site) == {"acme_storage"}


@pytest.mark.parametrize("lists", [(None, ("acme",)), (["other"], ()), ([], ()), (["acme"], ("ACME",))], ids=str)
def test_a_plugin_that_is_not_listed_or_denied_imports_nothing_even_when_it_is_asked_for(
    site: Site, lists: tuple[list[str] | None, tuple[str, ...]]
) -> None:
    install(site)
    assert use(site, *lists) == ["MemoryStorage", *["PluginNotFoundError"] * 4]
    assert imported(site) == set()


def test_a_plugin_that_nobody_names_imports_only_its_hook_module(site: Site) -> None:
    install(site)
    program = USE.partition("for question")[0] + "print(json.dumps(found))"
    assert site.run(program.format(allow=None, deny=(), groups=GROUPS)) == ["MemoryStorage"]
    assert imported(site) == {"acme_plugins"}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_broken_plugin_harms_only_who_names_it(site: Site, flaw: str) -> None:
    install(site, flaw)
    assert use(site) == ["MemoryStorage", *["PluginBrokenError"] * 4]


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(FLAWS, 2)))
def test_of_two_plugins_a_broken_one_does_not_harm_the_other(site: Site, first: str, second: str) -> None:
    told = "from omcore.plugin import hookimpl\n@hookimpl\ndef om_after_put(event): open(__file__ + '.told', 'w')\n"
    for package, flaw in (("acme-a", first), ("acme-b", second), ("acme-c", "sound"), ("acme-d", first)):
        module = package.replace("-", "_")
        site.add(
            package, {HOOK_MODULES: {"acme": module}}, {module: FLAWS[flaw] + told.replace("'w')", "'w').close()")}
        )
    program = """
    import json
    from omcore.plugin.host import PluginHost

    host = PluginHost()
    host.tell_put(None)
    print(json.dumps({line.info.package: line.state for line in host.listing() if line.info.package != "omcore"}))
    """
    states = site.run(program)
    expected = {"acme-a": first, "acme-b": second, "acme-c": "sound", "acme-d": first}
    assert {package: state == "ok" for package, state in states.items() if package.startswith("acme")} == {
        package: flaw == "sound" for package, flaw in expected.items()
    }
    told_by = {path.name.partition(".")[0].replace("_", "-") for path in site.folder.glob("*.told")}
    assert told_by == {package for package, flaw in expected.items() if flaw == "sound"}

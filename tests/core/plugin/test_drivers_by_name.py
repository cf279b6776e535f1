"""A driver is found by its name, among what is installed, and only then imported."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import pytest

from omcore.errors import PluginBrokenError, PluginConflictError, PluginNotFoundError, PluginVersionError
from omcore.plugin import PluginHost
from omcore.plugin.kinds import KINDS, RUNTIME, STORAGE

if TYPE_CHECKING:
    from tests.core.plugin.conftest import Site

ASKED = "storage.backend of context 'prod' in omcore.toml"


def test_the_cores_own_drivers_are_found_through_their_entry_points() -> None:
    from omcore.storage.memory import MemoryStorage

    host = PluginHost()
    assert host.storage_backend("memory") is MemoryStorage
    assert {"embedded", "memory"} <= host.names(STORAGE.group)
    assert "local" in host.names(RUNTIME.group)


def test_a_strangers_driver_is_found_by_its_name(site: Site) -> None:
    module = site.module()
    site.add("acme-store", {"omcore.storage": {"acme": f"{module}:Store"}}, {module: site.store})
    host = PluginHost()
    assert module not in sys.modules
    assert host.storage_backend("acme").__module__ == module
    assert host.storage_backend("acme") is host.storage_backend("acme")


def test_listing_imports_no_driver(site: Site) -> None:
    module = site.module()
    site.add("acme-store", {"omcore.storage": {"acme": f"{module}:Store"}}, {module: site.store})
    lines = [line for line in PluginHost().listing() if line.info.package == "acme-store"]
    assert [(line.info.group, line.info.name, line.info.version, line.info.target, line.state) for line in lines] == [
        ("omcore.storage", "acme", "1.0", f"{module}:Store", "ok")
    ]
    assert module not in sys.modules


def test_a_missing_driver_is_named_with_who_asked_what_is_there_and_what_is_near() -> None:
    with pytest.raises(PluginNotFoundError) as caught:
        PluginHost().storage_backend("embeded", asked_by=ASKED)
    sentence = str(caught.value)
    for part in ("'embeded'", ASKED, "did you mean 'embedded'?", "installed are 'embedded', 'memory'"):
        assert part in sentence


@pytest.mark.parametrize(
    ("question", "name", "package"),
    [
        ("storage_backend", "mongo", "omstore-mongo"),
        ("storage_backend", "mongodb", "omstore-mongo"),
        ("runtime_backend", "celery", "omrt-celery"),
        ("runtime_backend", "dask", "omrt-dask"),
        ("runtime_backend", "spark", "omrt-spark"),
    ],
)
def test_a_well_known_driver_that_is_missing_comes_with_its_pip_install(question: str, name: str, package: str) -> None:
    offered = {(found.name, entry.name) for found in distributions() for entry in found.entry_points}
    installed = any((package, driver) in offered for driver in (name, name.removesuffix("db")))
    expected = f"{package} is on the list plugins.deny" if installed else f"'pip install {package}'"
    with pytest.raises(PluginNotFoundError, match=expected):
        getattr(PluginHost(deny=[package]), question)(name)


def test_a_near_driver_that_is_installed_is_not_to_be_installed_again(site: Site) -> None:
    if "spark" not in {entry.name for found in distributions() for entry in found.entry_points}:
        site.add("omrt-spark", {"omcore.runtime": {"spark": "nowhere:Runtime"}})
    with pytest.raises(PluginNotFoundError, match=r"did you mean 'spark'\?") as caught:
        PluginHost().runtime_backend("sparks")
    assert "pip install" not in str(caught.value)


def test_two_packages_of_one_name_are_an_error_that_names_both_when_it_is_asked_for(site: Site) -> None:
    modules = [site.module(), site.module()]
    for package, module in zip(("acme-one", "acme-two"), modules, strict=True):
        site.add(package, {"omcore.storage": {"acme": f"{module}:Store"}}, {module: site.store})
    host = PluginHost()
    assert host.storage_backend("memory")
    with pytest.raises(PluginConflictError, match=r"acme-one 1\.0 and acme-two 1\.0.*'prod'"):
        host.storage_backend("acme", asked_by=ASKED)
    states = {line.info.package: line.state for line in host.listing() if line.info.name == "acme"}
    assert states == {"acme-one": "conflict", "acme-two": "conflict"}
    assert not set(modules) & set(sys.modules)


def test_a_denied_package_is_no_conflict_and_is_not_imported(site: Site) -> None:
    modules = [site.module(), site.module()]
    for package, module in zip(("acme-one", "Acme_Two"), modules, strict=True):
        site.add(package, {"omcore.storage": {"acme": f"{module}:Store"}}, {module: site.store})
    assert PluginHost(deny=["acme.two"]).storage_backend("acme").__module__ == modules[0]
    assert modules[1] not in sys.modules


@pytest.mark.parametrize(
    ("lists", "mend"),
    [({"deny": ["acme-store"]}, "plugins.deny"), ({"allow": ["other"]}, "plugins.allow"), ({"allow": []}, "allow")],
)
def test_a_driver_that_the_lists_shut_out_is_missing_and_the_error_says_which_list(
    site: Site, lists: dict[str, list[str]], mend: str
) -> None:
    module = site.module()
    site.add("acme-store", {"omcore.storage": {"acme": f"{module}:Store"}}, {module: site.store})
    host = PluginHost(**lists)
    with pytest.raises(PluginNotFoundError, match=mend):
        host.storage_backend("acme")
    assert host.storage_backend("memory")
    assert module not in sys.modules


def test_no_list_can_shut_out_the_core() -> None:
    assert PluginHost(allow=[], deny=["omcore"]).storage_backend("memory")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_library_at_all", "ModuleNotFoundError: No module named 'no_such_library_at_all'"),
        ("raise SystemExit(3)", "SystemExit"),
        ("assert False, 'bad\\nday'", "bad day"),
        ("def f(:", "SyntaxError"),
        ("Other = 1", "has no attribute 'Store'"),
    ],
)
def test_a_driver_that_cannot_be_imported_is_an_error_for_whoever_names_it(site: Site, code: str, says: str) -> None:
    module = site.module()
    site.add("acme-store", {"omcore.storage": {"acme": f"{module}:Store"}}, {module: code})
    host = PluginHost()
    with pytest.raises(PluginBrokenError) as caught:
        host.storage_backend("acme", asked_by=ASKED)
    assert says in str(caught.value)
    assert "acme-store 1.0" in str(caught.value)
    assert ASKED in str(caught.value)
    assert "\n" not in str(caught.value)
    assert host.storage_backend("memory")


def test_an_entry_point_that_cannot_be_read_is_an_error_for_whoever_names_it(site: Site) -> None:
    site.add("acme-store", {"omcore.storage": {"acme": "not a target!"}})
    with pytest.raises(PluginBrokenError, match="acme-store"):
        PluginHost().storage_backend("acme")


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        ("class Store: api_version = 1", PluginBrokenError, "omcore.storage.backend:StorageBackend"),
        ("def Store(): pass", PluginBrokenError, "must be a subclass"),
        ("{base}\nclass Store(StorageBackend): api_version = 1", PluginBrokenError, "leaves out"),
        ("{base}\nclass Store(StorageBackend): api_version = 2", PluginVersionError, "version 2 .* version 1"),
        ("{base}\nclass Store(StorageBackend): api_version = True", PluginVersionError, "True"),
        ("{base}\nclass Store(StorageBackend): pass", PluginVersionError, "does not state its api_version"),
    ],
)
def test_a_driver_that_is_not_what_it_must_be_is_refused(
    site: Site, code: str, error: type[Exception], says: str
) -> None:
    module = site.module()
    base = "from omcore.storage.backend import StorageBackend"
    site.add("acme-store", {"omcore.storage": {"acme": f"{module}:Store"}}, {module: code.format(base=base)})
    with pytest.raises(error, match=says) as caught:
        PluginHost().storage_backend("acme")
    assert "acme-store 1.0" in str(caught.value)


def test_the_versions_that_are_checked_are_those_of_the_contracts() -> None:
    from importlib import import_module

    for kind in KINDS:
        assert kind.api_version == import_module(kind.contract.partition(":")[0]).API_VERSION


def test_a_package_whose_metadata_cannot_be_read_is_listed_and_harms_nobody(site: Site) -> None:
    (site.folder / "ruined-1.0.dist-info").mkdir()
    (site.folder / "ruined-1.0.dist-info" / "entry_points.txt").write_bytes(b"[omcore.storage]\nx = \xff\n")
    site.add("acme-odd", {"omcore.storage": {}})
    (site.folder / "acme_odd-1.0.dist-info" / "entry_points.txt").write_text("[omcore.storage]\nno equals sign\n")
    (site.folder / "nameless-1.0.dist-info").mkdir()
    (site.folder / "nameless-1.0.dist-info" / "entry_points.txt").write_text("[omcore.storage]\nx = y\n")
    host = PluginHost()
    assert host.storage_backend("memory")
    broken = [line for line in host.listing() if line.state == "broken"]
    assert len(broken) == 3
    assert all(str(site.folder) in line.reason for line in broken)


def test_a_misspelt_group_is_listed_with_the_near_match(site: Site) -> None:
    site.add("acme-store", {"omcore.storages": {"acme": "x:Y"}})
    [line] = [line for line in PluginHost().listing() if line.info.package == "acme-store"]
    assert line.state == "broken"
    assert "did you mean 'omcore.storage'?" in line.reason


def test_of_two_versions_of_a_package_the_one_that_an_import_finds_counts(
    site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("acme-store", {"omcore.storage": {"old": "x:Y"}})
    first = type(site)(tmp_path_factory.mktemp("first"))
    first.add("acme-store", {"omcore.storage": {"new": "x:Y"}}, version="2.0")
    monkeypatch.syspath_prepend(str(first.folder))
    names = {(line.info.name, line.info.version) for line in PluginHost().listing() if line.info.package != "omcore"}
    assert ("new", "2.0") in names
    assert ("old", "1.0") not in names

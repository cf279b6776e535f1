"""Hook modules answer before the core does; a broken one is put aside."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import PluginNotFoundError, VetoError
from omcore.objects.events import Dropped, Putting, Stored
from omcore.plugin import PluginHost
from omcore.plugin.hooks import hook_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.plugin.conftest import Site

PUTTING = Putting("dev", "omega", "datasets", "sales", "json", {}, 1)
STORED = Stored("dev", "omega", "datasets", "sales", 1, "json", 1)
DROPPED = Dropped("dev", "omega", "datasets", "sales")


def state(host: PluginHost, package: str = "acme-hooks") -> tuple[str, str]:
    [line] = [line for line in host.listing() if line.info.package == package]
    return line.state, line.reason


def test_a_hook_module_answers_before_the_core_and_may_wrap_what_is_installed(site: Site) -> None:
    site.hooks(
        """
        @hookimpl
        def om_storage_backend(name, drivers):
            if name == "wrapped":
                return type("Wrapped", (drivers.load("omcore.storage", "memory"),), {})
        """
    )
    host = PluginHost()
    assert host.storage_backend("wrapped").__mro__[1] is host.storage_backend("memory")


def test_an_argument_may_be_left_out(site: Site) -> None:
    site.hooks(
        """
        @hookimpl
        def om_storage_backend(): return None

        @hookimpl
        def om_after_put(): open(__file__ + ".told", "w").close()
        """
    )
    host = PluginHost()
    assert host.storage_backend("memory")
    host.tell_put(STORED)
    assert len(list(site.folder.glob("*.told"))) == 1


def test_a_veto_goes_up_with_the_plugins_name_as_a_note(site: Site) -> None:
    site.hooks(
        """
        from omcore.errors import VetoError

        @hookimpl
        def om_before_put(event): raise VetoError(f"because {event.name}")
        """
    )
    with pytest.raises(VetoError, match="because sales") as caught:
        PluginHost().veto_put(PUTTING)
    assert "acme-hooks 1.0" in caught.value.__notes__[0]


def test_whatever_a_veto_raises_stops_what_was_about_to_happen(site: Site) -> None:
    site.hooks("@hookimpl\ndef om_before_put(event): raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError) as caught:
        PluginHost().veto_put(PUTTING)
    assert "acme-hooks 1.0" in caught.value.__notes__[0]


@pytest.mark.parametrize("error", ["RuntimeError('ill')", "SystemExit(4)"])
def test_a_failing_observer_is_logged_and_the_others_are_told(
    site: Site, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    for package in ("acme-a", "acme-m", "acme-z"):
        fails = f"raise {error}" if package == "acme-m" else "open(__file__ + '.told', 'w').close()"
        site.hooks(f"@hookimpl\ndef om_after_put(event): {fails}", package=package)
    with caplog.at_level(logging.ERROR):
        PluginHost().tell_put(STORED)
    assert len(list(site.folder.glob("*.told"))) == 2
    assert "acme-m 1.0" in caplog.text


def test_every_event_of_the_manual_can_be_told(site: Site) -> None:
    events = [name for name in hook_names() if name.startswith(("om_before", "om_after"))]
    site.hooks(
        "seen = []\n" + "\n".join(f"@hookimpl\ndef {name}(event): seen.append(('{name}', event))" for name in events)
    )
    host = PluginHost()
    any_event: Any = object()
    calls: list[Callable[[Any], None]] = [host.veto_put, host.veto_submit, host.veto_promotion]
    calls += [host.tell_put, host.tell_drop, host.tell_task, host.tell_promotion]
    for call in calls:
        call(any_event)
    [seen] = [vars(module)["seen"] for name, module in sys.modules.items() if name in _modules(site)]
    assert [name for name, _ in seen] == events
    assert all(event is any_event for _, event in seen)


def _modules(site: Site) -> set[str]:
    return {path.stem for path in site.folder.glob("*.py")}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_library_at_all", "ModuleNotFoundError"),
        ("raise SystemExit", "SystemExit"),
        ("@hookimpl\ndef om_after_putt(event): pass", "did you mean 'om_after_put'?"),
        ("@hookimpl\ndef om_after_put(evnt): pass", "evnt"),
        ("def om_after_put(event): pass", "not marked with @hookimpl"),
        ("@hookimpl\nasync def om_after_put(event): pass", "async"),
        ("@hookimpl\ndef om_after_put(event): yield", "generator"),
        ("@hookimpl(wrapper=True)\ndef om_after_put(event): return (yield)", "wrapper"),
        ("@hookimpl(hookwrapper=True)\ndef om_after_put(event): yield", "wrapper"),
        ("@hookimpl\ndef om_codecs(): return [1]", "CodecEntry"),
        ("@hookimpl\ndef om_codecs(): return 1", "TypeError"),
        ("@hookimpl\ndef om_codecs(): raise OSError('no')", "OSError: no"),
    ],
)
def test_a_broken_hook_module_is_put_in_quarantine_and_harms_no_other(
    site: Site, caplog: pytest.LogCaptureFixture, code: str, reason: str
) -> None:
    site.hooks(code)
    site.hooks("@hookimpl\ndef om_after_drop(event): open(__file__ + '.told', 'w').close()", package="acme-sound")
    host = PluginHost()
    assert state(host)[0] == "quarantined"
    assert reason in state(host)[1]
    assert "acme-hooks 1.0" in caplog.text
    assert state(host, "acme-sound") == ("ok", "")
    host.tell_drop(DROPPED)
    assert len(list(site.folder.glob("*.told"))) == 1
    assert host.storage_backend("memory")


def test_a_question_that_the_module_in_quarantine_might_have_answered_says_so(site: Site) -> None:
    site.hooks("import no_such_library_at_all")
    with pytest.raises(PluginNotFoundError, match=r"could not ask 'acme' of acme-hooks.*om plugins"):
        PluginHost().storage_backend("nowhere")


def test_a_target_that_is_no_module_is_put_in_quarantine(site: Site) -> None:
    module = site.module()
    site.add("acme-hooks", {"omcore.plugins": {"acme": f"{module}:Hooks"}}, {module: "class Hooks: pass"})
    assert "must be a module" in state(PluginHost())[1]


def test_a_hook_of_a_later_core_may_be_marked_optional(site: Site) -> None:
    site.hooks("@hookimpl(optionalhook=True)\ndef om_after_tea(cups): pass")
    assert state(PluginHost()) == ("ok", "")


def test_codecs_of_plugins_come_before_those_of_the_core(site: Site) -> None:
    site.hooks(
        """
        from omcore.objects.codecs.base import CodecEntry

        @hookimpl
        def om_codecs():
            yield CodecEntry("acme.thing", "acme:Codec", ("acme.Thing",), frozenset({"datasets"}))
        """
    )
    kinds = [entry.kind for entry in PluginHost().codecs()]
    assert kinds[0] == "acme.thing"
    assert len(kinds) > 1


def test_a_hook_module_that_is_denied_is_neither_imported_nor_told(site: Site) -> None:
    site.hooks("open(__file__ + '.imported', 'w').close()")
    host = PluginHost(deny=["acme-hooks"])
    assert state(host)[0] == "denied"
    assert not list(site.folder.glob("*.imported"))

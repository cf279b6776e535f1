"""The core's own hook module: it answers last, by looking the name up among the installed entry points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.plugin.hookspecs import hookimpl
from omcore.plugin.kinds import POLICY, PROXY, RUNTIME, STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omcore.objects.codecs.base import CodecEntry
    from omcore.plugin.drivers import Drivers


@hookimpl(trylast=True)
def om_storage_backend(name: str, drivers: Drivers) -> Any:
    """The installed storage backend of that name."""
    return drivers.load(STORAGE.group, name)


@hookimpl(trylast=True)
def om_runtime_backend(name: str, drivers: Drivers) -> Any:
    """The installed runtime backend of that name."""
    return drivers.load(RUNTIME.group, name)


@hookimpl(trylast=True)
def om_proxy(name: str, drivers: Drivers) -> Any:
    """The installed proxy of that name."""
    return drivers.load(PROXY.group, name)


@hookimpl(trylast=True)
def om_promotion_policy(name: str, drivers: Drivers) -> Any:
    """The installed promotion policy of that name."""
    return drivers.load(POLICY.group, name)


@hookimpl(trylast=True)
def om_codecs() -> Iterable[CodecEntry]:
    """The codecs that come with the core."""
    from omcore.objects.codecs.entries import BUILTIN

    return BUILTIN

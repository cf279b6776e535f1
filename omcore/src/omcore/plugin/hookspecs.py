"""The plugin author's manual: every question the core asks, and every event it tells, in one file.

A plugin is a Python package with entry points. To offer a **driver** (a storage backend, a runtime backend, a proxy, a
promotion policy), name it in the entry-point group of its kind; that is all, the core finds it by the name that a
configuration uses:

    [project.entry-points."omcore.storage"]
    mongo = "omstore_mongo.storage:MongoStorage"

To offer **codecs**, to answer a question yourself, or to **watch** and **veto**, name a module of hook functions in the
group `omcore.plugins`. It is imported when the core starts, so it imports no engine and no data library itself:

    [project.entry-points."omcore.plugins"]
    audit = "acme_audit.hooks"

    # acme_audit/hooks.py
    from omcore.plugin import hookimpl

    @hookimpl
    def om_after_put(event):
        print(event.store, event.name, event.version)

A hook function takes any of the arguments named here, by name, and may leave out those it does not need.
Each plugin is called alone, so a hook is a plain function: wrappers and `async` functions are refused. A module that
cannot be imported, or has a hook that is misspelt or not marked, is not used at all; `om plugins` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omcore.objects.codecs.base import CodecEntry
    from omcore.objects.events import Dropped, Putting, Stored
    from omcore.plugin.drivers import Drivers
    from omcore.promotion.events import Promoted, Promoting
    from omcore.promotion.policies import PromotionPolicy
    from omcore.proxies.base import RuntimeProxy
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.events import Finished, Submitting
    from omcore.storage.backend import StorageBackend

hookspec = pluggy.HookspecMarker("omcore")
hookimpl = pluggy.HookimplMarker("omcore")

# --- four questions of one shape: who answers to this name? The first answer counts; the core answers last, by looking
# the name up among the installed entry points: `drivers.load(group, name)`. You may do so too, to wrap what you find.
# `None` means "not mine".


@hookspec(firstresult=True)
def om_storage_backend(name: str, drivers: Drivers) -> type[StorageBackend] | None:
    """Answer with the class of the storage backend called `name`. Entry-point group: `omcore.storage`."""


@hookspec(firstresult=True)
def om_runtime_backend(name: str, drivers: Drivers) -> type[RuntimeBackend] | None:
    """Answer with the class of the runtime backend called `name`. Entry-point group: `omcore.runtime`."""


@hookspec(firstresult=True)
def om_proxy(name: str, drivers: Drivers) -> type[RuntimeProxy] | None:
    """Answer with the class behind `om.runtime.<name>(...)`. Entry-point group: `omcore.proxy`."""


@hookspec(firstresult=True)
def om_promotion_policy(name: str, drivers: Drivers) -> type[PromotionPolicy] | None:
    """Answer with the class of the promotion policy called `name`. Entry-point group: `omcore.policy`."""


# --- one question that many may answer


@hookspec
def om_codecs() -> Iterable[CodecEntry]:
    """Name the codecs you bring. An entry names a class to import later, so that this costs nothing now."""
    return ()


# --- before something happens: raise `omcore.errors.VetoError("because ...")` to stop it


@hookspec
def om_before_put(event: Putting) -> None:
    """An object is about to be stored; its bytes are not written yet."""


@hookspec
def om_before_submit(event: Submitting) -> None:
    """A task is about to be handed to the runtime."""


@hookspec
def om_before_promotion(event: Promoting) -> None:
    """The target's policies allowed a promotion that is about to happen; nothing was copied yet."""


# --- after something happened: an error in here is logged, and changes nothing


@hookspec
def om_after_put(event: Stored) -> None:
    """A version was stored and is the current one."""


@hookspec
def om_after_drop(event: Dropped) -> None:
    """An object was dropped."""


@hookspec
def om_after_task(event: Finished) -> None:
    """A task ended, on the worker that ran it."""


@hookspec
def om_after_promotion(event: Promoted) -> None:
    """A promotion is complete."""

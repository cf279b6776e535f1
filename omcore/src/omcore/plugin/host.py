"""The plugin host: asks plugins, tells them, and says what is installed. The only caller of hooks."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from omcore.plugin.drivers import Drivers, conflict
from omcore.plugin.hooks import load_hooks
from omcore.plugin.installed import CORE, Gate, Listing, scan
from omcore.plugin.kinds import HOOK_MODULES, POLICY, PROXY, RUNTIME, STORAGE
from omcore.plugin.options import read_options
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from omcore.objects.codecs.base import CodecEntry
    from omcore.objects.events import Dropped, Putting, Stored
    from omcore.plugin.hooks import Caller
    from omcore.plugin.installed import DriverInfo
    from omcore.plugin.kinds import Kind
    from omcore.promotion.events import Promoted, Promoting
    from omcore.promotion.policies import PromotionPolicy
    from omcore.proxies.base import RuntimeProxy
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.events import Finished, Submitting
    from omcore.storage.backend import StorageBackend

logger = logging.getLogger(__name__)


class PluginHost:
    """The plugins that one configuration admits. Does not change once it is made; safe to share between threads.

    Making one reads the metadata of what is installed, once, and imports the hook modules; a driver is imported when
    it is first asked for. Whoever asks for a driver says on whose behalf in `asked_by`, for the errors: for example
    `the storage section of context 'prod' in omcore.toml`.
    """

    def __init__(self, allow: Collection[str] | None = None, deny: Collection[str] = ()) -> None:
        """Find out what is installed.

        Args:
            allow: the distributions whose plugins may be used; `None` for all. The core's are always in use.
            deny: the distributions whose plugins may not be used, whatever `allow` says.
        """
        self._installed = scan(Gate.of(allow, deny))
        self._hooks = load_hooks(info for info in self._installed.usable if info.group == HOOK_MODULES)
        self._answers: dict[tuple[str, str], type[Any]] = {}
        self._codecs, self._silent = self._ask_codecs()

    # --- the four questions

    def storage_backend(self, name: str, asked_by: str = "") -> type[StorageBackend]:
        """The class of the storage backend called `name`.

        Raises:
            PluginNotFoundError: nobody offers it; the message says what is installed and how to mend it.
            PluginConflictError: two packages offer it.
            PluginBrokenError: it cannot be imported, or is not what it must be.
            PluginVersionError: it was written for another version of the contract.
        """
        return self._answer(STORAGE, name, asked_by)

    def runtime_backend(self, name: str, asked_by: str = "") -> type[RuntimeBackend]:
        """The class of the runtime backend called `name`; raises as `storage_backend` does."""
        return self._answer(RUNTIME, name, asked_by)

    def proxy(self, name: str, asked_by: str = "") -> type[RuntimeProxy]:
        """The class behind `om.runtime.<name>(...)`; raises as `storage_backend` does."""
        return self._answer(PROXY, name, asked_by)

    def promotion_policy(self, name: str, asked_by: str = "") -> type[PromotionPolicy]:
        """The class of the promotion policy called `name`; raises as `storage_backend` does."""
        return self._answer(POLICY, name, asked_by)

    def _answer(self, kind: Kind, name: str, asked_by: str) -> type[Any]:
        known = self._answers.get((kind.group, name))
        if known is None:
            drivers = Drivers(self._installed, asked_by)
            known = drivers.check(kind, name, self._ask(kind, name, drivers))
            self._answers[kind.group, name] = known
        return known

    def _ask(self, kind: Kind, name: str, drivers: Drivers) -> Any:
        for caller in self._hooks.callers[kind.question]:
            with _noted(caller, kind.question):
                answer = caller.call(name=name, drivers=drivers)
            if answer is not None:
                return answer
        raise drivers.not_found(kind, name, self._quarantined)

    # --- codecs

    def codecs(self) -> Sequence[CodecEntry]:
        """Every codec there is, plugins' first, the core's last."""
        return self._codecs

    def _ask_codecs(self) -> tuple[tuple[CodecEntry, ...], Mapping[DriverInfo, str]]:
        entries: list[CodecEntry] = []
        silent: dict[DriverInfo, str] = {}
        for caller in self._hooks.callers["om_codecs"]:
            try:
                entries += _codec_entries(caller)
            except Exception as error:
                silent[caller.plugin] = f"om_codecs failed, {reason(error)}"
                logger.warning("the codecs of %s are not used: %s", caller.plugin, silent[caller.plugin], exc_info=True)
        return tuple(entries), MappingProxyType(silent)

    # --- vetoes: an error stops what was about to happen

    def veto_put(self, event: Putting) -> None:
        """Let plugins stop a put; what one raises goes up, with the plugin's name as a note."""
        self._veto("om_before_put", event)

    def veto_submit(self, event: Submitting) -> None:
        """Let plugins stop the submission of a task; as `veto_put`."""
        self._veto("om_before_submit", event)

    def veto_promotion(self, event: Promoting) -> None:
        """Let plugins stop a promotion; as `veto_put`."""
        self._veto("om_before_promotion", event)

    def _veto(self, hook: str, event: object) -> None:
        for caller in self._hooks.callers[hook]:
            with _noted(caller, hook):
                caller.call(event=event)

    # --- events: an error is logged, and changes nothing

    def tell_put(self, event: Stored) -> None:
        """Tell plugins that a version was stored."""
        self._tell("om_after_put", event)

    def tell_drop(self, event: Dropped) -> None:
        """Tell plugins that an object was dropped."""
        self._tell("om_after_drop", event)

    def tell_task(self, event: Finished) -> None:
        """Tell plugins that a task ended."""
        self._tell("om_after_task", event)

    def tell_promotion(self, event: Promoted) -> None:
        """Tell plugins that a promotion is complete."""
        self._tell("om_after_promotion", event)

    def _tell(self, hook: str, event: object) -> None:
        for caller in self._hooks.callers[hook]:
            try:
                caller.call(event=event)
            except (Exception, SystemExit):
                logger.exception("%s failed in %s; nothing else was changed by that", caller.plugin, hook)

    # --- what there is

    def options(
        self, driver: type[Any], raw: Mapping[str, Any], where: str, origins: Mapping[str, str] | None = None
    ) -> BaseModel:
        """Make a driver's options of what a configuration says.

        Args:
            driver: the driver's class.
            raw: the options, without the driver's name; secrets are plain text in here.
            where: which section of which file and context this is, for the errors.
            origins: for each option, by its dotted name, where it was set.

        Raises:
            ConfigurationError: an option is unknown, missing, or of the wrong type; names it, and quotes no value.
            PluginBrokenError: the driver has no `Options`, or its own check of them fails.
        """
        return read_options(driver, raw, where, origins or {})

    @property
    def _quarantined(self) -> Mapping[DriverInfo, str]:
        return {**self._silent, **self._hooks.quarantined}

    def names(self, group: str) -> frozenset[str]:
        """The names that can be asked for in an entry-point group, for example `omcore.proxy`."""
        return self._installed.names(group)

    def listing(self) -> Sequence[Listing]:
        """Everything installed, in order of group and name; no driver is imported for it."""
        found = [*map(self._judge, self._installed.usable), *self._installed.refused]
        return sorted(found, key=lambda listing: listing.info)

    def _judge(self, info: DriverInfo) -> Listing:
        if info in self._quarantined:
            return Listing(info, "quarantined", self._quarantined[info])
        offers = self._installed.offers(info.group, info.name)
        if len(offers) > 1 and info.group != HOOK_MODULES:
            return Listing(info, "conflict", conflict(offers))
        return Listing(info)


@contextmanager
def _noted(caller: Caller, hook: str) -> Iterator[None]:
    """Add who it was to an error that goes up."""
    try:
        yield
    except Exception as error:
        if caller.plugin.package != CORE:
            error.add_note(f"raised in {hook} by {caller.plugin}")
        raise


def _codec_entries(caller: Caller) -> list[CodecEntry]:
    from omcore.objects.codecs.base import CodecEntry

    entries = [entry for answer in caller.call() for entry in answer]
    wrong = [entry for entry in entries if not isinstance(entry, CodecEntry)]
    if wrong:
        raise TypeError(f"it named {wrong[0]!r}, which is no CodecEntry")
    return entries

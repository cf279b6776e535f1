"""Finds a driver by its name and loads that one alone."""

from __future__ import annotations

import inspect
import pkgutil
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from omcore.errors import PluginBrokenError, PluginConflictError, PluginNotFoundError, PluginVersionError
from omcore.plugin.kinds import WORDS
from omcore.sentences import listed, near, nearest, reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib import metadata

    from omcore.plugin.installed import DriverInfo, Installed
    from omcore.plugin.kinds import Kind


@dataclass(frozen=True, slots=True)
class Drivers:
    """The installed drivers, on behalf of somebody who asked for one.

    Attributes:
        installed: what there is.
        asked_by: who asks: which section of which context and file, or which call; for the errors.
    """

    installed: Installed
    asked_by: str = ""

    @property
    def _asked(self) -> str:
        return f"; {self.asked_by} asks for it" if self.asked_by else ""

    def load(self, group: str, name: str) -> Any:
        """Import the driver called `name` in an entry-point group.

        Returns:
            What the entry point names, or `None` where no usable package offers that name.

        Raises:
            PluginConflictError: two packages offer it; nothing was imported.
            PluginBrokenError: it cannot be imported.
        """
        offers = self.installed.offers(group, name)
        if len(offers) > 1:
            raise PluginConflictError(f"{conflict(offers)}{self._asked}")
        return self._load(offers[0]) if offers else None

    def _load(self, info: DriverInfo) -> Any:
        try:
            return _load_by_stevedore(info.entry_point)
        except (Exception, SystemExit) as error:
            mend = f"reinstall {info.package} or take it out of the configuration"
            message = f"{info} cannot be imported, {reason(error)}; {mend}{self._asked}"
            raise PluginBrokenError(message) from error

    def not_found(self, kind: Kind, name: str, broken: Mapping[DriverInfo, str]) -> PluginNotFoundError:
        """The error for a name that nobody answered to.

        Args:
            kind: what was asked for.
            name: by which name.
            broken: the hook modules in quarantine, which might have answered.
        """
        names = self.installed.names(kind.group)
        packages = _packages(kind)
        known = nearest(name, packages)
        asked = {(kind.group, name), (kind.group, known)}
        refused = [one for one in self.installed.refused if (one.info.group, one.info.name) in asked]
        silent = [f"{info.name!r} of {info.package}" for info in broken]
        parts = [
            f"no {kind.word} plugin is called {name!r}{self._asked}",
            *(one.reason for one in refused),
            f"{near(name, names)}installed are {listed(names)}",
            *([f"could not ask {', '.join(silent)}, see 'om plugins'"] if silent else []),
            *([] if known is None or known in names or refused else [_advice(name, known, packages[known])]),
        ]
        return PluginNotFoundError("; ".join(parts))

    def check(self, kind: Kind, name: str, driver: Any) -> type[Any]:
        """Say that a driver is what its group promises, and return it.

        Raises:
            PluginBrokenError: it is no subclass of the contract, or leaves out some of it.
            PluginVersionError: it was written for another version of the contract.
        """
        offers = self.installed.offers(kind.group, name)
        label = str(offers[0]) if offers else f"{kind.word} {name!r}"
        contract = pkgutil.resolve_name(kind.contract)
        if not (isinstance(driver, type) and issubclass(driver, contract)):
            message = f"{label} is {_described(driver)} but must be a subclass of {kind.contract}{self._asked}"
            raise PluginBrokenError(message)
        self._check_version(kind, label, driver)
        if inspect.isabstract(driver):
            missing = listed(getattr(driver, "__abstractmethods__", ()))
            raise PluginBrokenError(f"{label} leaves out {missing} of {kind.contract}{self._asked}")
        return driver

    def _check_version(self, kind: Kind, label: str, driver: type) -> None:
        found = getattr(driver, "api_version", None)
        if type(found) is int and found == kind.api_version:
            return
        says = f"is written for version {found!r}" if found is not None else "does not state its api_version"
        mend = "install versions that fit each other"
        message = f"{label} {says} and omcore offers version {kind.api_version} of {kind.contract}; {mend}{self._asked}"
        raise PluginVersionError(message)


def conflict(offers: tuple[DriverInfo, ...]) -> str:
    """The sentence about drivers of one name."""
    first = offers[0]
    who = " and ".join(f"{info.package} {info.version}" for info in offers)
    mend = "uninstall one, or put it on the list plugins.deny"
    return f"{WORDS[first.group]} {first.name!r} is offered by {who}; {mend}"


def _described(driver: Any) -> str:
    return f"class {driver.__module__}.{driver.__qualname__}" if isinstance(driver, type) else repr(type(driver))


def _packages(kind: Kind) -> Mapping[str, str]:
    """The packages of well-known drivers, by the drivers' names."""
    text = resources.files("omcore.plugin").joinpath("known.toml").read_text(encoding="utf-8")
    found: Mapping[str, str] = tomllib.loads(text).get(kind.word, {})
    return found


def _advice(name: str, known: str, package: str) -> str:
    return f"install {'it' if known == name else repr(known)} with 'pip install {package}'"


def _load_by_stevedore(entry_point: metadata.EntryPoint) -> Any:
    """Load one entry point with stevedore, which is given it instead of scanning for it.

    By its name alone stevedore would import every driver of that name, also those that the configuration denies.
    """
    from stevedore.extension import ExtensionManager

    class OneDriver(ExtensionManager[Any]):
        def list_entry_points(self) -> list[metadata.EntryPoint]:
            return [entry_point]

    return OneDriver(entry_point.group, on_load_failure_callback=_raise).extensions[0].plugin


def _raise(_manager: object, _entry_point: object, error: BaseException) -> None:
    raise error

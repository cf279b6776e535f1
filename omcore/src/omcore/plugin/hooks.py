"""Loads hook modules, and puts those that are broken in quarantine."""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from omcore.plugin import hookspecs
from omcore.sentences import listed, near, one_line, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from omcore.plugin.installed import DriverInfo

logger = logging.getLogger(__name__)

PROJECT = "omcore"
PREFIX = "om_"


class _UnfitError(Exception):
    """A hook module is not what it must be; the text says why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One plugin's answer to one hook.

    Attributes:
        plugin: who answers.
        call: calls this plugin's function alone, by keywords.
    """

    plugin: DriverInfo
    call: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hook modules of a host.

    Attributes:
        callers: for each hook, who answers it, in order.
        quarantined: the modules that are not used, and why.
    """

    callers: Mapping[str, Sequence[Caller]]
    quarantined: Mapping[DriverInfo, str]


def load_hooks(infos: Iterable[DriverInfo]) -> Hooks:
    """Import the hook modules and find out what they answer; a broken one is logged, and harms no other."""
    manager = _manager()
    plugins: dict[str, DriverInfo] = {}
    quarantined: dict[DriverInfo, str] = {}
    for info in reversed(list(infos)):  # the last to register is the first to be asked
        try:
            manager.register(_fit_module(info, manager), name=str(info))
            plugins[str(info)] = info
        except (Exception, SystemExit) as error:
            quarantined[info] = str(error) if isinstance(error, _UnfitError) else reason(error)
            logger.warning("%s is not used: %s", info, quarantined[info], exc_info=error)
    return Hooks({name: tuple(_callers(manager, name, plugins)) for name in hook_names()}, quarantined)


def hook_names() -> tuple[str, ...]:
    """Every hook there is."""
    return tuple(name for name in vars(hookspecs) if name.startswith(PREFIX))


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _callers(manager: pluggy.PluginManager, name: str, plugins: Mapping[str, DriverInfo]) -> Iterator[Caller]:
    """Each plugin's own caller: so an error can be put down to a plugin, and one plugin cannot keep out the next."""
    hook: pluggy.HookCaller = getattr(manager.hook, name)
    for implementation in reversed(hook.get_hookimpls()):
        others = [plugin for plugin in manager.get_plugins() if plugin is not implementation.plugin]
        yield Caller(plugins[implementation.plugin_name], manager.subset_hook_caller(name, others))


def _fit_module(info: DriverInfo, manager: pluggy.PluginManager) -> ModuleType:
    """Import a hook module and check it from top to bottom, in a manager that is thrown away."""
    module = info.entry_point.load()
    if not isinstance(module, ModuleType):
        raise _UnfitError(f"{info.target} is {type(module).__name__} but must be a module of hook functions")
    if manager.is_registered(module):
        raise _UnfitError(f"{info.target} is announced twice")
    trial = _manager()
    _check_functions(trial, module)
    try:
        trial.register(module)
        trial.check_pending()
    except pluggy.PluginValidationError as error:
        raise _UnfitError(one_line(str(error))) from error
    return module


def _check_functions(trial: pluggy.PluginManager, module: ModuleType) -> None:
    for name, function in list(vars(module).items()):
        options = trial.parse_hookimpl_opts(module, name)
        if options is not None:
            _check_marked(options["specname"] or name, function, options)
        elif name.startswith(PREFIX) and inspect.isfunction(function) and function.__module__ == module.__name__:
            raise _UnfitError(f"{name} is not marked with @hookimpl and would never be called")


def _check_marked(name: str, function: Any, options: pluggy.HookimplOpts) -> None:
    if name not in hook_names() and not options["optionalhook"]:
        raise _UnfitError(f"there is no hook {name!r}; {near(name, hook_names())}the hooks are {listed(hook_names())}")
    if options["wrapper"] or options["hookwrapper"]:
        raise _UnfitError(f"{name} is a wrapper, but each plugin is called alone; write a plain function")
    if inspect.iscoroutinefunction(function):
        raise _UnfitError(f"{name} is async and would never run; write a plain function")
    if inspect.isgeneratorfunction(function) and name != "om_codecs":
        raise _UnfitError(f"{name} is a generator and would never run; write a plain function")

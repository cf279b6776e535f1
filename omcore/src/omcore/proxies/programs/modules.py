"""Imports a stored script under a name of its own, so that versions never meet, and forgets it afterwards."""

from __future__ import annotations

import importlib.util
import itertools
import linecache
import re
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from omcore.errors import InvalidArgumentError
from omcore.proxies.programs.folders import PREFIX, private_folder
from omcore.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.codecs.scripts import Script
    from omcore.objects.references import Pin

PACKAGE = "__init__.py"


@contextmanager
def imported(script: Script, pin: Pin) -> Iterator[ModuleType]:
    """The script as a module, freshly imported from a private folder; nothing of it is left when the block ends.

    Its name tells the version and is nobody else's meanwhile, so any number of versions and calls run side by side.

    Raises:
        InvalidArgumentError: it is a folder that is no package.
    """
    if script.is_package and PACKAGE not in script.files:
        message = (
            f"scripts/{pin.name}@{pin.version} cannot be run: its folder {script.name!r} has no {PACKAGE} that defines "
            f"run(om, ...), it has {listed(script.files)}; add one and store the folder again"
        )
        raise InvalidArgumentError(message)
    with private_folder() as folder:
        path = script.save(folder)
        name = _claim(re.sub(r"\W", "_", f"{Path(script.name).stem}_v{pin.version}_{pin.id[:8]}"))
        try:
            yield _load(name, path, package=script.is_package)
        except BaseException as error:
            _keep_lines(error, folder)
            _advise(error, script)
            raise
        finally:
            _forget(name, folder)


def _claim(base: str) -> str:
    """A name for a module that nobody has, and nobody else is given before it is forgotten."""
    for number in itertools.count(1):
        name = base if number == 1 else f"{base}_{number}"
        empty = ModuleType(name)
        if sys.modules.setdefault(name, empty) is empty:
            return name
    raise AssertionError  # numbers do not end


def _load(name: str, path: Path, *, package: bool) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, path / PACKAGE if package else path, submodule_search_locations=[str(path)] if package else None
    )
    if spec is None or spec.loader is None:
        raise InvalidArgumentError(f"{path.name!r} is no Python module; store a .py file or a package")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _forget(name: str, folder: Path) -> None:
    for known in [known for known in sys.modules.copy() if known == name or known.startswith(f"{name}.")]:
        sys.modules.pop(known, None)
    for place in [place for place in sys.path_importer_cache.copy() if place.startswith(str(folder))]:
        sys.path_importer_cache.pop(place, None)


def _keep_lines(error: BaseException, folder: Path) -> None:
    """Keep the source of the lines that an error passed, for its traceback: the files are gone when it is written.

    They are kept as those of cells and prompts are: an entry without a time is never compared with a file. Those of
    earlier errors are let go.
    """
    for file in [file for file in linecache.cache.copy() if f"/{PREFIX}" in file and not Path(file).exists()]:
        linecache.cache.pop(file, None)
    frames = (frame for one in _chain(error) for frame, _ in traceback.walk_tb(one.__traceback__))
    for file in {frame.f_code.co_filename for frame in frames}:
        if file.startswith(str(folder)):
            lines = linecache.getlines(file)
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that led to it."""
    seen: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen[id(one)] = one
            waiting += [one.__cause__, one.__context__]
    return iter(seen.values())


def _advise(error: BaseException, script: Script) -> None:
    """Say how a package imports its own modules, where it tried to do so by its name on the author's disk."""
    if isinstance(error, ModuleNotFoundError) and script.is_package and error.name:
        own = {file.partition("/")[0].removesuffix(".py") for file in script.files} | {script.name}
        if error.name.partition(".")[0] in own:
            error.add_note(
                "a stored package is imported under another name; import its own modules relatively: from . import x"
            )

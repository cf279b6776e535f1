"""What an argument of `put` names: a file by its suffix, the standard input, or something importable."""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from omcore.cli.output import progress
from omcore.errors import InvalidArgumentError, OmError
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = "utf-8"


def read(store: str, source: str) -> Any:
    """The value that an argument of `put` names.

    Args:
        store: the store it is put into; `jobs` and `scripts` take files as they are, `models` also takes
            `package.module:factory`.
        source: a path, `-` for JSON on the standard input, or `package.module:factory`.

    Raises:
        InvalidArgumentError: there is no such file, or it does not hold what its suffix says.
    """
    if store == "models" and ":" in source and not _exists(Path(source)):
        return call(source)
    if source == "-":
        return parse_json(sys.stdin.buffer.read(), "the standard input")
    path = Path(source)
    if not _exists(path):
        raise InvalidArgumentError(f"there is no file {source!r} here, in {Path.cwd()}")
    if store in {"jobs", "scripts"}:
        return _program(store, path)
    if path.is_dir():
        raise InvalidArgumentError(f"{source!r} is a folder; {store} takes files")
    reader = _READERS.get(path.suffix.lower()) if store == "datasets" else None
    if reader is None:
        return path
    with _as_it_says(path):
        return reader(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # too long a name, for example
        raise InvalidArgumentError(f"{one_line(str(path), 100)!r} is no path: {error.strerror}") from error


def _program(store: str, path: Path) -> Path:
    if store == "jobs" and path.suffix.lower() != ".ipynb":
        raise InvalidArgumentError(f"{str(path)!r} is no notebook (.ipynb), which is what jobs keeps")
    if store == "scripts" and not path.is_dir() and path.suffix != ".py":
        raise InvalidArgumentError(f"{str(path)!r} is no .py file and no folder, which is what scripts keeps")
    return path


def call(source: str) -> Any:
    """What a callable, named as `package.module:factory`, returns.

    Raises:
        InvalidArgumentError: it cannot be imported, or fails.
    """
    module, _, name = source.partition(":")
    folder = os.getcwd()  # noqa: PTH109 - what Python itself puts on its path
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        factory = getattr(importlib.import_module(module), name)
    except Exception as error:
        message = f"{source!r} cannot be imported: {type(error).__name__}: {one_line(str(error))}"
        raise InvalidArgumentError(message) from error
    if not callable(factory):
        return factory
    try:
        return factory()
    except Exception as error:
        raise InvalidArgumentError(f"{source!r} failed: {type(error).__name__}: {one_line(str(error))}") from error


def parse_json(text: str | bytes, where: str) -> Any:
    """Read JSON.

    Raises:
        InvalidArgumentError: it is not JSON; says where.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{where} does not hold JSON: {one_line(str(error))}") from None


@contextmanager
def _as_it_says(path: Path) -> Iterator[None]:
    try:
        yield
    except OmError:
        raise
    except Exception as error:
        message = f"{str(path)!r} is not what its suffix says: {type(error).__name__}: {one_line(str(error))}"
        raise InvalidArgumentError(message) from error


class _Counted:
    """A file that says how far it was read."""

    def __init__(self, file: IO[bytes], advance: Callable[[float], None]) -> None:
        self._file = file
        self._advance = advance

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._advance(len(data))
        return data

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self._advance(len(line))
            yield line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    with path.open("rb") as file, progress(f"reading {path.name}", path.stat().st_size, "bytes") as advance:
        yield _Counted(file, advance)


def _read_csv(path: Path) -> Any:
    import pandas as pd

    # a row with more fields than there are names would otherwise make an index of the first column, without a word
    with _reading(path) as file, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(file, index_col=False)


def _read_parquet(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path)


def _read_npy(path: Path) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=False)


def _read_json(path: Path) -> Any:
    return parse_json(path.read_text(TEXT), str(path))


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npy": _read_npy,
    ".json": _read_json,
}

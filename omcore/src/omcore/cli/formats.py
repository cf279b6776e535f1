"""Files that the command line reads and writes, by their suffix."""

from __future__ import annotations

import importlib
import json
import math
import os
import shutil
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from omcore.cli.output import progress
from omcore.errors import InvalidArgumentError, OmError
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = "utf-8"

RESULTS = (".csv", ".parquet", ".npy", ".json")
"""The suffixes that a task's result can be written under."""


def read(store: str, source: str) -> Any:
    """The value that an argument of `put` names.

    Args:
        store: the store it is put into; `jobs` and `scripts` take files as they are, `models` also takes
            `package.module:factory`.
        source: a path, `-` for JSON on the standard input, or `package.module:factory`.

    Raises:
        InvalidArgumentError: there is no such file, or it does not hold what its suffix says.
    """
    if store == "models" and ":" in source and not Path(source).exists():
        return call(source)
    if source == "-":
        return parse_json(sys.stdin.buffer.read(), "the standard input")
    path = Path(source)
    if not path.exists():
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


def check_target(path: Path) -> Path:
    """Say before any work is done that a result could not be written there.

    Raises:
        InvalidArgumentError: the suffix is unknown, or there is no such folder.
    """
    if path.suffix.lower() not in RESULTS:
        raise InvalidArgumentError(f"{str(path)!r} has no suffix of a result; use one of {', '.join(RESULTS)}")
    if not path.absolute().parent.is_dir():
        raise InvalidArgumentError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}")
    return path


def write(value: Any, path: Path) -> None:
    """Write a value to a file, in the format that the suffix says; whole or not at all.

    Raises:
        InvalidArgumentError: the value does not fit the suffix, or the file cannot be written.
    """
    if not path.name or path.name == "..":
        raise InvalidArgumentError(f"{str(path)!r} is a folder; name a file in it")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _writer(value, path)(temporary)
        temporary.replace(path)
    except OmError:
        raise
    except OSError as error:
        raise InvalidArgumentError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    except Exception as error:  # whatever pandas and others think of this value in that format
        message = f"a {type(value).__name__} cannot be written to {path.name!r}: {reason(error)}"
        raise InvalidArgumentError(message) from error
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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


# --- reading


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

# --- writing


def _writer(value: Any, path: Path) -> Callable[[Path], None]:
    """What writes this value under this suffix."""
    suffix = path.suffix.lower()
    if hasattr(value, "save"):  # files and scripts know how to write themselves
        return lambda target: _save(value, target)
    if isinstance(value, bytes):
        return lambda target: _write_bytes(target, value)
    if suffix in {".csv", ".parquet"}:
        return _table_writer(value, path)
    if suffix == ".npy":
        return lambda target: _write_npy(target, value)
    if suffix == ".json":
        return lambda target: _write_bytes(target, as_json(value).encode(TEXT))
    if suffix == ".ipynb":
        return lambda target: _write_notebook(target, value)
    message = f"a {type(value).__name__} cannot be written to {path.name!r}; use .csv, .parquet, .npy or .json"
    raise InvalidArgumentError(message)


def as_json(value: Any) -> str:
    """A value as JSON for programs: frames as a list of rows, arrays as nested lists."""
    from pydantic_core import to_json

    return to_json(plain(value), indent=2, inf_nan_mode="null", bytes_mode="base64", fallback=str).decode()


def plain(value: Any) -> Any:
    """A value made of what JSON has, as far as it goes."""
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "to_pandas"):
        value = value.to_pandas()
    if hasattr(value, "to_json") and hasattr(value, "index"):
        orient = "records" if hasattr(value, "columns") else "index"
        return json.loads(value.to_json(orient=orient, date_format="iso"))
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _table_writer(value: Any, path: Path) -> Callable[[Path], None]:
    import pandas as pd

    frame = value.to_pandas() if hasattr(value, "to_pandas") else value
    if hasattr(frame, "to_frame"):
        frame = frame.to_frame()
    if not isinstance(frame, pd.DataFrame):
        message = f"a {type(value).__name__} is no table and cannot be written to {path.name!r}; use .json or .npy"
        raise InvalidArgumentError(message)
    keep_index = not isinstance(frame.index, pd.RangeIndex)
    if path.suffix.lower() == ".csv":
        return lambda target: frame.to_csv(target, index=keep_index)
    return lambda target: frame.to_parquet(target)


def _write_npy(path: Path, value: Any) -> None:
    import numpy as np

    array = np.asarray(value)
    if array.dtype == object:
        raise InvalidArgumentError(f"a {type(value).__name__} does not fit .npy; use .json or .parquet")
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _write_notebook(path: Path, value: Any) -> None:
    import nbformat

    _write_bytes(path, str(nbformat.writes(value)).encode(TEXT))


def _save(value: Any, path: Path) -> None:
    from omcore.objects.codecs.scripts import Script

    if isinstance(value, Script):  # it goes below a folder
        path.mkdir()
    value.save(path)


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)

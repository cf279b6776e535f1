"""Writes values to files, in the format that the suffix says."""

from __future__ import annotations

import json
import math
import os
import shutil
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError, OmError
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = "utf-8"

RESULTS = (".csv", ".parquet", ".npy", ".json")
"""The suffixes that a task's result can be written under."""


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
    temporary = path.with_name(f".om-{os.getpid()}.part")
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

"""How much memory a task may take."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ByteSize, TypeAdapter, ValidationError

from omcore.errors import InvalidArgumentError, OmError
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_SIZE = 1 << 60
"""An exbibyte: above it nobody means a limit."""

_LONGEST_SIZE = 40
_STATM = Path("/proc/self/statm")
_DATA = 5  # the field with the pages of data and stack: "Table 1-3: Contents of the statm files", proc(5)


@contextmanager
def task_memory(task_id: str, size: int, *, alone: bool) -> Iterator[None]:
    """Let a task take at most so much memory, until the end of the block.

    Args:
        task_id: whose limit it is.
        size: bytes.
        alone: whether its process runs nothing else.

    Raises:
        MemoryError: it needed more.
        InvalidArgumentError: this process or platform cannot hold a task to that.
    """
    if not alone:
        message = (
            f"task {task_id} may take {size} bytes, but its worker runs other things in the same process and cannot "
            f"hold it to that; run it on a runtime whose workers are processes, or without a limit"
        )
        raise InvalidArgumentError(message)
    try:
        with memory_limit(size):
            yield
    except (OmError, OSError, RuntimeError, ImportError) as error:  # what libraries make of want of memory
        error.add_note(f"the task was given {size:,} bytes of memory, and that may be the cause")
        raise


@contextmanager
def memory_limit(size: int | None) -> Iterator[None]:
    """Let this process take at most so much more memory than it has now, until the end of the block.

    For processes that run one task at a time: the limit is the process's. It counts what is allocated, not files that
    are mapped. What is left over by an error counts until the error is let go of.

    Args:
        size: bytes; `None` for no limit.

    Raises:
        MemoryError: the code in the block needed more, whichever library noticed; says how much it was given.
        InvalidArgumentError: this platform cannot limit memory.
    """
    if size is None:
        yield
        return
    before = _limit(size)
    try:
        yield
    except MemoryError as error:
        _restore(before)  # first of all: to say something takes memory
        text = one_line(str(error), 300)
        needed = f", which was not enough: {text}" if text else ", which was not enough"
        raise MemoryError(f"the task was given {ByteSize(size).human_readable()} of memory{needed}") from error
    finally:
        _restore(before)


def _limit(size: int) -> tuple[int, int]:
    """Set the limit; return those there were."""
    if sys.platform != "linux":
        message = (
            f"a task was given at most {ByteSize(size).human_readable()} of memory, but {sys.platform} cannot hold a "
            f"process to that; leave the limit out, or run the task on workers with Linux"
        )
        raise InvalidArgumentError(message)
    import resource

    before = soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = [_present() + size, *(limit for limit in before if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(wanted), hard))
    return soft, hard


def _restore(limits: tuple[int, int]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, limits)


def _present() -> int:
    """Bytes of data that this process has."""
    import resource

    return int(_STATM.read_text("ascii").split()[_DATA]) * resource.getpagesize()


def parse_size(text: str | int) -> int:
    """A number of bytes, as a person writes it.

    Args:
        text: a number of bytes, or one with a unit: `512MiB` (1024 to the power of 2), `2GB` (1000 to the power of 3).

    Raises:
        InvalidArgumentError: it is no such thing, or less than one byte, or more than an exbibyte.
    """
    try:
        size = int(_SIZE.validate_python(text)) if _FORM.fullmatch(str(text)) else 0
    except (ValidationError, OverflowError):
        size = 0
    if not 0 < size <= LARGEST_SIZE:
        shown = one_line(repr(text), _LONGEST_SIZE)
        message = f"{shown} is no amount of memory; write a number of bytes, or one with a unit, as 512MiB or 2GB"
        raise InvalidArgumentError(message)
    return size


_SIZE = TypeAdapter(ByteSize)
_FORM = re.compile(r"\s*[0-9]{1,19}(\.[0-9]{1,9})?\s*[A-Za-z]*\s*")  # pydantic does not look at what comes after

"""A standard stream that asks for each text whether it belongs to a task, and else is the stream that was there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer


class CapturingStream(io.TextIOBase):
    """Stands before a stream; what it is asked that is not about text, it asks that one.

    Attributes:
        original: the stream that was there; `None` in a process without one.
        serial: captures that began before this number was given replaced the stream that was there themselves.
    """

    def __init__(
        self, original: TextIO | None, serial: int, keep: Callable[[int, str], bool], quiet: Callable[[int], bool]
    ) -> None:
        """Stand before `original`.

        Args:
            original: takes what is not kept.
            serial: the number that this stream has.
            keep: keeps a text where it belongs to a task; says whether it goes on to `original`.
            quiet: whether nothing that this thread writes goes on to `original`.
        """
        self.original = original
        self.serial = serial
        self._keep = keep
        self._quiet = quiet

    def write(self, text: str) -> int:
        """Write text where it belongs."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._keep(self.serial, text) and self.original is not None:
            self.original.write(text)
        return len(text)

    def write_bytes(self, content: bytes) -> None:
        """Write bytes where they belong: to a task as text in UTF-8."""
        text = content.decode("utf-8", "backslashreplace")
        if not self._keep(self.serial, text) or self.original is None:
            return
        self.original.flush()
        if binary := getattr(self.original, "buffer", None):
            binary.write(content)
        else:
            self.original.write(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Write texts where they belong."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream that was there, unless nothing of this thread goes there."""
        if self.original is not None and not self._quiet(self.serial):
            self.original.flush()

    def close(self) -> None:
        """Close nothing: the stream is the process's, and others write to it."""

    @property
    def buffer(self) -> io.BufferedIOBase:
        """Takes bytes; those of a task are read as text."""
        return _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream that was there."""
        return getattr(self.original, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How that stream treats what it cannot encode."""
        return getattr(self.original, "errors", None)

    def isatty(self) -> bool:
        """Whether what this thread writes is seen on a terminal."""
        return self.original is not None and not self._quiet(self.serial) and self.original.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream that was there; what is written to it directly goes there."""
        if self.original is None:
            raise io.UnsupportedOperation("fileno")
        return self.original.fileno()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        """What only the stream that was there has: its name, `reconfigure`, what a notebook's stream knows."""
        if name.startswith("__") or name in {"original", "serial"}:
            raise AttributeError(name)
        return getattr(self.original, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} before {self.original!r}>"


class _Bytes(io.BufferedIOBase):
    """The bytes' side of a stream."""

    def __init__(self, stream: CapturingStream) -> None:
        self._stream = stream

    def write(self, data: Buffer) -> int:
        content = bytes(data)
        self._stream.write_bytes(content)
        return len(content)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Close nothing, as the stream does."""

    def writable(self) -> bool:
        return True

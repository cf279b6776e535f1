"""Files of any kind, streamed both ways."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from omcore.errors import InvalidArgumentError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.reading import PIECE, detail, malformed, only_part, refuse_query
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.codecs.base import Part, Query, Sink, Source, Trust


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a store. Nothing of it is read before it is asked for.

    Attributes:
        name: the name it had, without folders.
        size: bytes.
    """

    name: str
    size: int
    _part: Part = field(repr=False)
    _source: Source = field(repr=False)

    def open(self) -> BinaryIO:
        """Open it for reading: seekable, and every byte verified."""
        return self._source.open(self._part)

    def read(self) -> bytes:
        """The whole of it."""
        with self.open() as stream:
            return stream.read()

    def save(self, target: str | Path) -> Path:
        """Write it to a folder that exists, under its own name, or to a path; what is there is replaced at the end.

        Returns:
            Where it was written.

        Raises:
            InvalidArgumentError: nothing can be written there.
        """
        path = Path(target)
        path = path / self.name if path.is_dir() else path
        try:
            with self.open() as stream:
                write_file(path, stream)
        except OSError as error:
            message = (
                f"the file {self.name!r} cannot be written to {str(path)!r} ({reason(error)}); choose another place"
            )
            raise InvalidArgumentError(message) from error
        return path


class FileCodec(Codec):
    """A file by its path; what comes back is a `StoredFile`."""

    api_version = 1
    kind = "file"
    plain = True

    def takes(self, value: Any) -> bool:
        return isinstance(value, StoredFile) or (isinstance(value, Path) and value.is_file())

    def encode(self, value: Any, sink: Sink) -> Content:
        name = value.name
        if not is_plain_name(name):
            raise UnsupportedTypeError(f"a file called {name!r} cannot be kept; rename it")
        try:
            with value.open() if isinstance(value, StoredFile) else value.open("rb") as stream:
                part = sink.add(chunks(stream), name=name)
        except OSError as error:
            message = f"the file {str(value)!r} cannot be read ({reason(error)}); give the path of a file"
            raise UnsupportedTypeError(message) from error
        return Content(self.kind, (part,), {"columns": {}}, {"name": name})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        name = detail(content, "name", str)
        if not is_plain_name(name):
            raise malformed(self.kind, f"it is called {name!r}")
        part = only_part(content)
        return StoredFile(name, part.size, part, source)


def is_plain_name(name: str) -> bool:
    """Say whether a name is that of a file in a folder, on any system, and nothing more."""
    if name in {"", ".", ".."} or len(name.encode("utf-8", "replace")) > 255:
        return False
    return name.isprintable() and not any(character in '/\\:<>"|?*' for character in name)


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The content of a stream, a piece at a time."""
    while piece := stream.read(PIECE):
        yield piece


def write_file(path: Path, stream: BinaryIO) -> None:
    """Write a regular file: whole, or not at all; a link that is there is replaced and not followed."""
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            shutil.copyfileobj(stream, file, PIECE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

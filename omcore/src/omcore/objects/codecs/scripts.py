"""Python scripts and packages, as the files they are made of. Nothing in them is run or imported here."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import InvalidArgumentError, UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.files import chunks, is_plain_name, write_file
from omcore.objects.codecs.reading import detail, malformed, read_part, refuse_query
from omcore.sentences import listed, near, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.codecs.base import Part, Query, Sink, Source, Trust


@dataclass(frozen=True, slots=True)
class Script:
    """A script or a package in a store.

    Attributes:
        name: of the file (`report.py`) or of the folder (`report`).
        files: the paths of its files below the folder, with `/` between the segments; of a script its own name.
    """

    name: str
    files: tuple[str, ...]
    _parts: tuple[Part, ...] = field(repr=False)
    _source: Source = field(repr=False)

    @property
    def is_package(self) -> bool:
        """Whether it is a folder."""
        return self.files != (self.name,)

    def read(self, file: str) -> bytes:
        """The content of one of its files.

        Raises:
            InvalidArgumentError: it has no such file.
        """
        if file not in self.files:
            message = f"{self.name!r} has no file {file!r}; {near(file, self.files)}it has {listed(self.files)}"
            raise InvalidArgumentError(message)
        return read_part(self._source, self._parts[self.files.index(file)])

    def save(self, folder: str | Path) -> Path:
        """Write it below a folder that exists, under its own name: regular files only, all of them or none.

        Returns:
            The path of the script, or of the package's folder.

        Raises:
            InvalidArgumentError: something is there already, or nothing can be written there.
        """
        target = Path(folder) / self.name
        if target.exists() or target.is_symlink():
            raise InvalidArgumentError(f"{str(target)!r} exists already; save {self.name!r} to another folder")
        staging = target.with_name(f".{uuid.uuid4().hex}")
        try:
            self._write(staging)
            staging.replace(target)
        except OSError as error:
            message = f"{self.name!r} cannot be written to {str(target)!r} ({reason(error)}); choose another folder"
            raise InvalidArgumentError(message) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if staging.is_file():
                staging.unlink()
        return target

    def _write(self, target: Path) -> None:
        if self.is_package:
            target.mkdir()
        for name, part in zip(self.files, self._parts, strict=True):
            path = target / name if self.is_package else target
            if self.is_package:
                path.parent.mkdir(parents=True, exist_ok=True)
            with self._source.open(part) as stream:
                write_file(path, stream)


class ScriptCodec(Codec):
    """The path of a `.py` file, or of a folder with such files; what comes back is a `Script`.

    Of a folder every file is kept but those that are hidden or that Python made (`__pycache__`). Links are refused.
    """

    api_version = 1
    kind = "python.script"
    plain = True

    def takes(self, value: Any) -> bool:
        return isinstance(value, Script) or value.is_dir() or value.suffix == ".py"

    def encode(self, value: Any, sink: Sink) -> Content:
        if isinstance(value, Script):
            found = {name: sink.add([value.read(name)], name=name) for name in value.files}
            return self._content(value.name, value.is_package, found)
        path = value.resolve()
        try:
            files = dict(_walk(path, path)) if path.is_dir() else {path.name: path}
            found = {name: _store(name, file, sink) for name, file in sorted(files.items())}
        except OSError as error:
            message = f"{str(value)!r} cannot be read ({reason(error)}); give the path of a .py file or of a folder"
            raise UnsupportedTypeError(message) from error
        return self._content(path.name, path.is_dir(), found)

    def _content(self, name: str, package: bool, found: dict[str, Part]) -> Content:
        if not any(file.endswith(".py") for file in found):
            raise UnsupportedTypeError(f"{name!r} has no .py file; give a script or a folder with one")
        if fault := _fault(name, package, list(found)):
            raise UnsupportedTypeError(f"{name!r} cannot be kept: {fault}; rename it")
        return Content(self.kind, tuple(found.values()), {"files": list(found)}, {"name": name, "package": package})

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        name, package = detail(content, "name", str), detail(content, "package", bool)
        files = [part.name for part in content.parts]
        if fault := _fault(name, package, files):
            raise malformed(self.kind, fault)
        return Script(name, tuple(files), content.parts, source)


def _walk(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__" or path.suffix == ".pyc":
            continue
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            message = f"{root.name!r} holds the link {name!r}; replace it with the file it points at"
            raise UnsupportedTypeError(message)
        if path.is_dir():
            yield from _walk(path, root)
        elif path.is_file():
            yield name, path
        else:
            raise UnsupportedTypeError(f"{root.name!r} holds {name!r}, which is no regular file; remove it")


def _store(name: str, path: Path, sink: Sink) -> Part:
    with path.open("rb") as stream:
        return sink.add(chunks(stream), name=name)


def _fault(name: str, package: bool, files: list[str]) -> str:
    """What in the names could be written outside of the folder, or not at all; empty for nothing."""
    if not is_plain_name(name):
        return f"it is called {name!r}"
    if not package and files != [name]:
        return f"the script {name!r} has the files {files!r}"
    if not files or len(set(files)) < len(files):
        return "a file is there twice, or none"
    if package and files == [name]:
        return f"the folder {name!r} has one file of the same name"
    odd = next((file for file in files if not all(map(is_plain_name, file.split("/")))), None)
    return "" if odd is None else f"a file is called {odd!r}"

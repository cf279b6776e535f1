"""Jupyter notebooks, as valid `.ipynb` text."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.base import Codec, Content
from omcore.objects.codecs.reading import malformed, only_part, read_part, refuse_query
from omcore.sentences import reason

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Query, Sink, Source, Trust

VERSION = 4
"""The version of the notebook format that is kept; a file of an older one is brought up to it."""


class NotebookCodec(Codec):
    """A notebook, or the path of an `.ipynb` file; what comes back is a `NotebookNode`.

    Cells that lack the id which the format asks for are given one; marks of trust are not kept.
    """

    api_version = 1
    kind = "jupyter.notebook"
    plain = True

    def takes(self, value: Any) -> bool:
        return not isinstance(value, Path) or value.suffix == ".ipynb"

    def encode(self, value: Any, sink: Sink) -> Content:
        notebook = _valid(_read_file(value) if isinstance(value, Path) else value)
        text = _written(notebook)
        kernel = notebook.metadata.get("kernelspec", {}).get("name", "")
        schema = {"cells": len(notebook.cells), "kernel": str(kernel)}
        return Content(self.kind, (sink.add([text.encode("utf-8")], name="notebook.ipynb"),), schema)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:  # noqa: ARG002 - plain
        if query:
            refuse_query(self.kind, query)
        try:
            return _valid(_parsed(read_part(source, only_part(content)).decode("utf-8")))
        except (ValueError, UnsupportedTypeError) as error:
            raise malformed(self.kind, reason(error)) from error


def _read_file(path: Path) -> Any:
    library = _nbformat()
    try:
        return library.convert(_parsed(path.read_text("utf-8")), VERSION)
    except (OSError, ValueError, KeyError, AttributeError, library.ValidationError) as error:
        message = f"the file {str(path)!r} is no notebook that can be read ({reason(error)}); save it as .ipynb"
        raise UnsupportedTypeError(message) from error


def _written(notebook: Any) -> str:
    message = "the notebook cannot be kept exactly: it holds what is no JSON; save it to a file first"
    try:
        text: str = _nbformat().writes(notebook, version=_nbformat().NO_CONVERT)
        same = _parsed(text) == notebook
    except (TypeError, ValueError) as error:
        raise UnsupportedTypeError(message) from error
    if not same:
        raise UnsupportedTypeError(message)
    return text


def _parsed(text: str) -> Any:
    """Read a notebook; raises `ValueError` for what is none."""
    library = _nbformat()
    try:
        return library.reads(text, library.NO_CONVERT)
    except (KeyError, AttributeError, TypeError, IndexError, RecursionError, library.ValidationError) as error:
        raise ValueError(reason(error)) from error


def _valid(notebook: Any) -> Any:
    """A copy of a notebook that is valid.

    Raises:
        UnsupportedTypeError: it is not, and cannot be made so.
    """
    library = _nbformat()
    found = notebook.get("nbformat")
    if found != VERSION:
        message = f"the notebook has format {found!r}, not {VERSION}; bring it up with nbformat.convert"
        raise UnsupportedTypeError(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of is mended here
            _, copy = library.validator.normalize(notebook)
            library.validate(copy)
    except (library.ValidationError, KeyError, AttributeError, TypeError) as error:
        message = f"the notebook is not valid ({reason(error)}); save it with Jupyter and store the file"
        raise UnsupportedTypeError(message) from error
    # what says where a notebook was opened, or who trusted it there, is for no other reader
    return library.v4.rwbase.strip_transient(copy)


def _nbformat() -> Any:
    """The library, which takes long to import and has few types."""
    import nbformat

    return nbformat

"""Files, notebooks and scripts come back as they were, and are written nowhere but where they were asked to be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v3, v4

from omcore.errors import CorruptBlobError, InvalidArgumentError, UnsupportedTypeError
from omcore.objects.codecs.base import Query
from omcore.objects.codecs.files import FileCodec, StoredFile, is_plain_name
from omcore.objects.codecs.notebooks import NotebookCodec
from omcore.objects.codecs.scripts import Script, ScriptCodec
from omcore.objects.filters import where
from tests.core.codecs.support import Kept

if TYPE_CHECKING:
    from pathlib import Path

new: Any = v4


# --- files


def test_a_file_comes_back_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "über uns.bin"
    path.write_bytes(os.urandom(9_000_000))
    got = Kept.of(path, FileCodec()).get()
    assert (got.name, got.size) == (path.name, 9_000_000)
    assert got.read() == path.read_bytes()
    with got.open() as stream:
        stream.seek(-5, os.SEEK_END)
        assert stream.read() == path.read_bytes()[-5:]


def test_a_file_is_saved_to_a_folder_or_to_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")
    got = Kept.of(path, FileCodec()).get()
    (tmp_path / "folder").mkdir()
    assert got.save(tmp_path / "folder") == tmp_path / "folder" / "a.txt"
    assert got.save(tmp_path / "b.txt").read_text() == "text"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "b.txt", "folder"]
    with pytest.raises(InvalidArgumentError, match="choose another place"):
        got.save(tmp_path / "no" / "folder" / "x")


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("new")
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    Kept.of(tmp_path / "a.txt", FileCodec()).get().save(tmp_path / "link")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


def test_a_stored_file_can_be_stored_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    first = Kept.of(tmp_path / "a.txt", FileCodec()).get()
    assert Kept.of(first, FileCodec()).get().read() == b"text"


def test_what_is_no_file_is_not_taken(tmp_path: Path) -> None:
    assert not FileCodec().takes(tmp_path)
    assert not FileCodec().takes(tmp_path / "missing")
    with pytest.raises(UnsupportedTypeError, match="cannot be read"):
        Kept.of(tmp_path / "missing", FileCodec())


@given(st.text(max_size=20))
def test_a_name_that_leaves_its_folder_is_never_accepted(name: str) -> None:
    if is_plain_name(name):
        assert name not in {"", ".", ".."}
        assert not set(name) & set("/\\\0:\n")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", "", "a\0b", "c:x", "a\nb", "x" * 300])
def test_a_forged_name_is_refused_when_it_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    file = Kept.of(tmp_path / "a.py", FileCodec())
    file.content = replace(file.content, details={"name": name})
    with pytest.raises(CorruptBlobError, match="is called"):
        file.get()
    script = Kept.of(tmp_path / "a.py", ScriptCodec())
    script.content = replace(script.content, details={"name": name, "package": False})
    with pytest.raises(CorruptBlobError):
        script.get()
    forged = tuple(replace(part, name=name) for part in script.content.parts)
    script.content = replace(script.content, parts=forged, details={"name": "pkg", "package": True})
    if "/" not in name or name.startswith(("/", ".")):
        with pytest.raises(CorruptBlobError):
            script.get()


# --- notebooks


def notebook() -> Any:
    cells = [
        new.new_markdown_cell("# Title\n\ntext"),
        new.new_code_cell("x = 1\nx\n", metadata={"tags": ["parameters"]}),
    ]
    cells[1].outputs = [new.new_output("execute_result", {"text/plain": "1\n2"}, execution_count=1)]
    return new.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def test_a_notebook_comes_back_as_it_was() -> None:
    kept = Kept.of(notebook_ := notebook(), NotebookCodec())
    got = kept.get()
    assert isinstance(got, nbformat.NotebookNode)
    assert got == notebook_
    assert kept.content.schema == {"cells": 2, "kernel": "python3"}
    json.loads(kept.sink.blobs[0])


def test_a_notebook_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    whole = notebook()
    nbformat.write(whole, path)
    assert Kept.of(path, NotebookCodec()).get() == whole


def test_a_notebook_of_an_older_format_is_brought_up(tmp_path: Path) -> None:
    old: Any = v3
    sheet = old.new_worksheet(cells=[old.new_code_cell(input="1 + 1")])
    path = tmp_path / "old.ipynb"
    path.write_text(old.writes_json(old.new_notebook(worksheets=[sheet])))
    got = Kept.of(path, NotebookCodec()).get()
    assert (got.nbformat, got.cells[0].source) == (4, "1 + 1")


def test_storing_a_notebook_changes_nothing_of_it() -> None:
    whole = notebook()
    del whole.cells[0]["id"]
    before = json.dumps(whole)
    assert Kept.of(whole, NotebookCodec()).get().cells[0].id
    assert json.dumps(whole) == before


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"nbformat": 4}', '{"nbformat": 9, "cells": []}', '{"a": ' * 9999]
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text)
    with pytest.raises(UnsupportedTypeError, match="notebook"):
        Kept.of(path, NotebookCodec())


def test_a_notebook_that_is_not_valid_is_refused() -> None:
    whole = notebook()
    whole.cells[0].cell_type = "poem"
    with pytest.raises(UnsupportedTypeError, match="not valid"):
        Kept.of(whole, NotebookCodec())
    whole = notebook()
    whole.metadata["thing"] = {1, 2}
    with pytest.raises(UnsupportedTypeError):
        Kept.of(whole, NotebookCodec())


# --- scripts


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    (folder / "sub" / "__pycache__").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "main.py": "print(1)",
        "sub/data.csv": "a,b",
        "sub/__pycache__/x.pyc": "",
        ".env": "secret",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_a_package_comes_back_as_its_files(package: Path, tmp_path: Path) -> None:
    got = Kept.of(package, ScriptCodec()).get()
    assert isinstance(got, Script)
    assert (got.name, got.is_package) == ("report", True)
    assert got.files == ("__init__.py", "main.py", "sub/data.csv")
    assert got.read("sub/data.csv") == b"a,b"
    (tmp_path / "out").mkdir()
    saved = got.save(tmp_path / "out")
    assert {each.relative_to(saved).as_posix() for each in saved.rglob("*") if each.is_file()} == set(got.files)
    assert (saved / "main.py").read_text() == "print(1)"


def test_a_script_comes_back_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text("print(1)")
    got = Kept.of(tmp_path / "job.py", ScriptCodec()).get()
    assert (got.name, got.files, got.is_package) == ("job.py", ("job.py",), False)
    (tmp_path / "out").mkdir()
    assert got.save(tmp_path / "out").read_text() == "print(1)"
    assert Kept.of(got, ScriptCodec()).get().read("job.py") == b"print(1)"
    with pytest.raises(InvalidArgumentError, match=r"did you mean 'job\.py'"):
        got.read("jab.py")


def test_the_same_files_are_stored_the_same_way(package: Path) -> None:
    first, second = Kept.of(package, ScriptCodec()), Kept.of(package, ScriptCodec())
    assert first.content == second.content
    assert first.sink.blobs == second.sink.blobs


def test_what_is_there_already_is_not_written_over(package: Path, tmp_path: Path) -> None:
    got = Kept.of(package, ScriptCodec()).get()
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "report").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidArgumentError, match="exists already"):
        got.save(tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    with pytest.raises(InvalidArgumentError, match="choose another folder"):
        got.save(tmp_path / "missing")


def test_links_in_a_package_are_refused(package: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (package / "link.py").symlink_to(tmp_path / "outside")
    with pytest.raises(UnsupportedTypeError, match=r"link 'link\.py'"):
        Kept.of(package, ScriptCodec())


def test_a_folder_without_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("a")
    with pytest.raises(UnsupportedTypeError, match=r"no \.py file"):
        Kept.of(tmp_path / "notes", ScriptCodec())


def test_only_programs_are_taken_for_programs(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert not ScriptCodec().takes(tmp_path / "a.txt")
    assert not NotebookCodec().takes(tmp_path / "a.txt")
    assert ScriptCodec().takes(tmp_path)
    assert NotebookCodec().takes(tmp_path / "a.ipynb")


def test_files_and_programs_have_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1")
    cases: list[tuple[Any, Any]] = [(tmp_path / "a.py", FileCodec()), (tmp_path / "a.py", ScriptCodec())]
    for value, codec in [*cases, (notebook(), NotebookCodec())]:
        for query in (Query(("a",)), Query(filter=where(a=1))):
            with pytest.raises(Exception, match="has no"):
                Kept.of(value, codec).get(query)


def test_a_stored_file_shows_its_name_and_no_inside() -> None:
    assert "source" not in repr(StoredFile("a", 1, None, None))  # type: ignore[arg-type]

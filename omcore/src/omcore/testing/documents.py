"""Runs the code blocks of a Markdown document, in order, as a reader would who follows it from top to bottom.

In a test of a plugin's README:

    from omcore.testing.documents import run_in_a_process_of_its_own

    def test_the_readme_works(tmp_path):
        run_in_a_process_of_its_own(Path("README.md"), tmp_path)

What the language after the fence says decides what becomes of a block:

- `python`: executed; all blocks share one namespace. With `>>>` prompts, what is shown is compared.
- `console`: each line that begins with `$ ` is run by the shell; output that is shown is compared. A command must end
  with exit code 0, or with the one that a comment at its end names: `$ om models get nothing  # exit code 2`.
- any language with `title="name"`: written to a file of that name in the working folder.
- anything else (`text`, `bash`, `toml` ...) is only read.

In what is compared, `...` stands for anything, and blanks and line breaks count as one blank.

A document may install what it has written with `pip install ./folder`: that goes into the working folder, builds with
what is installed (say `hatchling`), fetches nothing, and is found by all blocks that follow.
"""

from __future__ import annotations

import doctest
import linecache
import os
import re
import subprocess
import sys
import traceback
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PROMPT = "$ "
NAMESPACE = "document"

INSTALLED = ".installed"
"""The folder, in the working folder, into which a document installs."""

_HIDDEN = ("OMCORE", "OM_", "XDG_", "PIP_")
_PIP = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_QUIET": "1", "PIP_UPGRADE": "1"}

_TITLE = re.compile(r"""\btitle=(?P<quote>["'])(?P<title>.+?)(?P=quote)""")
_EXIT_CODE = re.compile(r"#\s*exit code (?P<code>\d+)\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        language: the first word after the fence.
        title: the file it is to be written to; empty for none.
        code: what is in it.
        line: the line in the document of its first line, from 1.
    """

    language: str
    title: str
    code: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block.

    Attributes:
        text: what the shell runs.
        shown: the output that is shown; empty for none.
        exit_code: what it must end with.
    """

    text: str
    shown: str
    exit_code: int


class DocumentError(AssertionError):
    """A block of a document does not do what the document says; names the line."""


def blocks_of(document: Path) -> Iterator[Block]:
    """The fenced blocks of a Markdown document, in order."""
    from markdown_it import MarkdownIt

    for token in MarkdownIt().parse(document.read_text(encoding="utf-8")):
        if token.type == "fence":
            title = _TITLE.search(token.info)
            language, _, _ = token.info.strip().partition(" ")
            yield Block(language, title["title"] if title else "", token.content, (token.map or [0])[0] + 2)


def commands_of(code: str) -> Iterator[Command]:
    """The commands of a console block, each with the output that is shown below it."""
    for piece in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        text, shown = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", piece, re.DOTALL).groups()  # type: ignore[union-attr] # matches any text
        code_word = _EXIT_CODE.search(text)
        yield Command(text, shown, int(code_word["code"]) if code_word else 0)


def run(document: Path) -> int:
    """Run the blocks in this process and the working folder; say how many there were to run or write.

    Raises:
        DocumentError: one does not do what the document says.
    """
    module = types.ModuleType(NAMESPACE)
    sys.modules[NAMESPACE] = module
    count = 0
    for block in blocks_of(document):
        count += _run_block(block, document, module.__dict__)
    return count


def run_in_a_process_of_its_own(document: Path, folder: Path) -> None:
    """Run the blocks of a document in a folder, as a user who has no configuration and whose home is that folder.

    Raises:
        DocumentError: one does not do what the document says; tells what happened instead.
    """
    command = [sys.executable, "-m", "omcore.testing.documents", str(document.absolute())]
    done = subprocess.run(  # noqa: S603 - runs this very module
        command,
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DocumentError(done.stdout.strip())


def _environment(folder: Path) -> dict[str, str]:
    """What the document sees: a user without a configuration, at home in the folder; pip installs there too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
    installed = folder / INSTALLED
    installed.mkdir(exist_ok=True)
    return {
        **kept,
        "HOME": str(folder),
        "USERPROFILE": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")])),
        "COLUMNS": "120",
        **_PIP,
        "PIP_TARGET": str(installed),
    }


def _run_block(block: Block, document: Path, namespace: dict[str, Any]) -> bool:
    where = f"{document.name}, line {block.line}"
    if block.title:
        _write(block, where)
    elif block.language == "python" and ">>>" in block.code:
        _run_session(block, where, namespace)
    elif block.language == "python":
        _run_program(block, document, where, namespace)
    elif block.language == "console":
        for command in commands_of(block.code):
            _run_command(command, where)
    else:
        return False
    return True


def _write(block: Block, where: str) -> None:
    target = Path(block.title)
    if not target.absolute().is_relative_to(Path.cwd()) or ".." in target.parts:
        raise DocumentError(f"{where}: the title {block.title!r} is no file in the working folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.code, encoding="utf-8")


def _run_program(block: Block, document: Path, where: str, namespace: dict[str, Any]) -> None:
    padded = "\n" * (block.line - 1) + block.code
    linecache.cache[str(document)] = (len(padded), None, padded.splitlines(keepends=True), str(document))
    try:
        with warnings.catch_warnings(action="error"):
            exec(compile(padded, str(document), "exec"), namespace)  # noqa: S102 - the document is what we test
    except Exception as error:
        raise DocumentError(f"{where}: the block failed\n{traceback.format_exc()}") from error


def _run_session(block: Block, where: str, namespace: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, namespace, where, None, block.line - 1)
    lines: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=lines.append, clear_globs=False)
    if lines:
        raise DocumentError(f"{where}: the session goes otherwise\n{''.join(lines)}")
    namespace.update(test.globs)


def _run_command(command: Command, where: str) -> None:
    done = subprocess.run(  # noqa: S602 - the document is what we test
        command.text,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = f"{where}: $ {command.text}\nended with exit code {done.returncode} and said\n{done.stdout}"
    if done.returncode != command.exit_code:
        raise DocumentError(f"{said}but the exit code should be {command.exit_code}")
    shown = f"{command.shown.strip()}\n"
    if shown.strip() and not doctest.OutputChecker().check_output(shown, f"{done.stdout.strip()}\n", FLAGS):
        raise DocumentError(f"{said}but the document shows\n{shown}")


def main() -> None:
    """Run the document that the command line names; exit code 1 says that it does not work."""
    try:
        run(Path(sys.argv[1]))
    except DocumentError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

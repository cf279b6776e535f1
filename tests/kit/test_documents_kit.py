"""The runner of documents runs what is there, and catches a document that says what is not so."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from omcore.testing.documents import DocumentError, blocks_of, commands_of, run_in_a_process_of_its_own

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
# A document

```toml title="settings/omcore.toml"
answer = 42
```

```python
import tomllib
from pathlib import Path
answer = tomllib.loads(Path("settings/omcore.toml").read_text())["answer"]
class Kept:
    pass
```

- in a list, what came before is still known:

  ```python
  >>> import pickle
  >>> pickle.loads(pickle.dumps(Kept))() is not None
  True
  >>> answer
  42
  ```

```console
$ cat settings/omcore.toml
answer = ...
$ echo one \\
  two
one two
$ false  # exit code 1
```

```bash
this is only read
```
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "document.md"


def run(document: Path, text: str) -> None:
    document.write_text(text)
    run_in_a_process_of_its_own(document, document.parent / "home")


def test_a_whole_document_passes_and_leaves_its_files_in_the_folder(document: Path) -> None:
    run(document, WHOLE)
    assert (document.parent / "home/settings/omcore.toml").read_text() == "answer = 42\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```python\n\nassert 1 == 2, 'no'\n```", 'document.md", line 3'),
        ("```python\nassert 1 == 2, 'no'\n```", "AssertionError: no"),
        ("```python\nimport warnings; warnings.warn('old')\n```", "UserWarning: old"),
        ("```python\nx = 1\n```\n```python\nif x\n```", "SyntaxError"),
        ("```python\n>>> 1 + 1\n3\n```", "Expected:\n    3\nGot:\n    2"),
        ("```python\n>>> 1 / 0\n```", "ZeroDivisionError"),
        ("```console\n$ exit 3\n```", "ended with exit code 3"),
        ("```console\n$ true  # exit code 2\n```", "should be 2"),
        ("```console\n$ echo two\none\n```", "but the document shows\none"),
        ("```console\n$ echo one\none\n$ echo more\nless\n```", "said\nmore"),
        ('```text title="../outside"\nx\n```', "no file in the working folder"),
        ('```text title="/tmp/outside"\nx\n```', "no file in the working folder"),
    ],
)
def test_a_document_that_says_what_is_not_so_is_caught(document: Path, text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        run(document, text)
    assert says in str(caught.value)


def test_the_document_sees_no_configuration_of_whoever_runs_it(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMCORE__STORAGE__URL", "mongodb://secret")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    run(document, "```console\n$ env | grep -E 'OMCORE|XDG'  # exit code 1\n```")


PACKAGE = """
```toml title="pkg/pyproject.toml"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "om-document-probe"
version = "1.2"
dependencies = ["no-such-package-anywhere"]
```

```python title="pkg/om_document_probe/__init__.py"
answer = 42
```

```console
$ pip install ./pkg
$ python -c "import om_document_probe; print(om_document_probe.answer)"
42
```

```python
>>> import om_document_probe
>>> from importlib.metadata import version
>>> version("om-document-probe")
'1.2'
```
"""


def test_what_a_document_installs_is_there_for_it_and_for_nobody_else(document: Path) -> None:
    run(document, PACKAGE)
    assert find_spec("om_document_probe") is None


def test_blocks_know_their_language_title_and_line(document: Path) -> None:
    document.write_text(WHOLE)
    found = [(block.language, block.title, block.line) for block in blocks_of(document)]
    first = ("toml", "settings/omcore.toml", 5)
    assert found == [first, ("python", "", 9), ("python", "", 19), ("console", "", 27), ("bash", "", 36)]


def test_commands_take_their_output_and_their_exit_code() -> None:
    found = list(commands_of("$ a \\\n  b\nout\n\nmore\n$ c  # exit code 2\n$ d"))
    assert [(each.text, each.shown, each.exit_code) for each in found] == [
        ("a \\\n  b", "out\n\nmore\n", 0),
        ("c  # exit code 2", "", 2),
        ("d", "", 0),
    ]

"""Bar X6: whatever the command line and the configuration say, the exit code is 0, 1 or 2, and an error is one
sentence without a traceback.

The usual run takes a tenth of the 2,000 command lines and 5,000 configurations; `--torture` takes all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from omcore.cli import Root, cli
from omcore.cli.init import TEMPLATE
from omcore.config.tree import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from click.testing import Result

Parameters: TypeAlias = list[click.Parameter]

LINES, CONFIGURATIONS = 200, 500
LASTING = {"demo", "worker"}
"""Commands that go on for long, or until they are told to stop; they have tests of their own."""

TOLD_ELSEWHERE = "doctor"
"""It says in its table what is wrong, and exits with 1."""


def faults(result: Result, line: Sequence[str] = ()) -> list[str]:
    """What is wrong with how a command ended."""
    found = [] if result.exit_code in (0, 1, 2) else [f"exit code {result.exit_code}"]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        found.append(f"a bug, {result.exception!r}")
    if "Traceback" in result.output:
        found.append("a traceback")
    said = [text for text in result.stderr.splitlines() if not text.startswith("om: warning: ")]
    helped = result.stderr.startswith("Usage: ")
    expected = 0 if result.exit_code == 0 or TOLD_ELSEWHERE in line else 1
    if not helped and not (len(said) == expected or (TOLD_ELSEWHERE in line and len(said) == 1)):
        found.append(f"{len(said)} lines where {expected} should be: {said[:3]}")
    return [*found, *(f"not a sentence of ours: {text}" for text in said if not helped and text[:4] != "om: ")]


def run(line: Sequence[str], env: Mapping[str, str] | None = None, root: click.Command = cli) -> Result:
    return CliRunner().invoke(root, list(line), env=env)


def many(examples: int) -> Callable[[Any], Any]:
    """Run a property this often, within one test."""
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples, deadline=None, suppress_health_check=quiet)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory below folders of ours, and a home without anything."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    project = tmp_path / "a" / "b" / "project"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    return project


# --- planted defects


def planted(callback: Callable[[], Any]) -> Root:
    root = Root({})
    root.add_command(click.Command("try", callback=callback))
    return root


def ends(error: BaseException, err: str = "", out: str = "") -> Callable[[], None]:
    """A command that prints and raises."""

    def callback() -> None:
        click.echo(out, nl=False)
        click.echo(err, err=True, nl=False)
        raise error

    return callback


@pytest.mark.parametrize(
    ("callback", "fault"),
    [
        (ends(ValueError("bug")), "a bug"),
        (ends(click.exceptions.Exit(3)), "exit code 3"),
        (ends(click.exceptions.Exit(1)), "0 lines"),
        (ends(SystemExit(2), err="om: one\nom: two\n"), "2 lines"),
        (ends(SystemExit(0), out="Traceback (most recent call last)"), "a traceback"),
        (ends(SystemExit(1), err="careless\n"), "not a sentence"),
    ],
)
def test_a_planted_defect_is_caught(callback: Callable[[], Any], fault: str) -> None:
    assert any(fault in found for found in faults(run(["try"], root=planted(callback))))


# --- command lines


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Parameters]]:
    """Every command with its path and its parameters."""
    with click.Context(command, info_name="om") as context:
        parameters = command.get_params(context)
        names = command.list_commands(context) if isinstance(command, click.Group) else []
        below = {name: command.get_command(context, name) for name in names} if isinstance(command, click.Group) else {}
    yield path, parameters
    for name, found in below.items():
        if found is not None and name not in LASTING:
            yield from commands(found, (*path, name))


JUNK = [
    *("", " ", "-", "--", "---", "--=", "-x", "--json=1", "=", "@", "[", "sales[", "sales[x]@", "sales@0", "sales@-1"),
    *("sales@99999999999999999999", "sales@champion@3", "a/../b", "../up", "..", ".", "/", "//", "a//b", "_om/x", "~"),
    *("nowhere.csv", "nowhere.parquet", "nowhere", "no.such.module:thing", "os:", ":x", "om://", "om://a/b/c/d"),
    *("a\x00b", "a\nb", "\x1b[31m", "\u202egnp", "\udcff", "é", "x" * 500, "0", "-1", "1e999", "NaN", "true", "null"),
    *("{}", "[]", '{"a":', "x__gt=5", "x__nope=1", "__", "k=v", "k=", "=v", "gpu", "prod", "dev", "datasets", "fit"),
]
SENSE = [
    *("sales", "sales[x]", "sales[z]", "sales@1", "sales@2", "sales@best", "m", "m@1", "data.csv", "data.json", "out"),
    *("out.csv", "out.parquet", "out.npy", "other", "prod", "dev", "1", "2", "x", "fit", "predict", "score", "call"),
    *("x__gt=1", "alpha=1", "sklearn.linear_model:Ridge", "builtins:dict", "builtins:len", "*", "best", "json.value"),
]
COMMON = {"context_": ["dev", "prod"], "bucket_": ["omega", "other"]}
chaos = st.sampled_from(JUNK) | st.text(max_size=12)
words = st.one_of(*[st.sampled_from(SENSE)] * 4, chaos)


def fitting(parameter: click.Parameter) -> st.SearchStrategy[str]:
    """Words that a parameter may take."""
    if parameter.name in COMMON:
        return st.one_of(*[st.sampled_from(COMMON[parameter.name])] * 4, chaos)
    if isinstance(parameter.type, click.Choice):
        return st.sampled_from(list(map(str, parameter.type.choices))) | words
    if parameter.type.name.startswith(("int", "float")):
        return st.integers(-2, 5).map(str) | words
    return words


@st.composite
def lines(draw: st.DrawFn, known: list[tuple[tuple[str, ...], Parameters]]) -> list[str]:
    """A command with arguments and options, most of them fitting, some in odd places."""
    path, parameters = draw(st.sampled_from([one for one in known if one[0]]))
    pieces: list[list[str]] = []
    for parameter in parameters:
        if isinstance(parameter, click.Argument):
            count = max(parameter.nargs, 1) if draw(st.integers(0, 7)) else draw(st.integers(0, 3))
            pieces.append([draw(fitting(parameter)) for _ in range(count)])
        elif isinstance(parameter, click.Option) and draw(st.integers(0, 3)) == 0 and parameter.name != "help":
            value = [] if parameter.is_flag else [draw(fitting(parameter))]
            pieces.append([draw(st.sampled_from(parameter.opts)), *value])
    if draw(st.integers(0, 5)) == 0:
        pieces.append([draw(chaos)])
    line = [*path, *(word for piece in pieces for word in piece)]
    if draw(st.integers(0, 19)) == 0:
        line = draw(st.permutations(line))
    here = ["--local"] if line[:1] == ["runtime"] else []  # worker processes are for other tests
    return [word for word in [*line[:1], *here, *line[1:]] if word not in LASTING]


@pytest.fixture
def populated(folder: Path) -> list[tuple[tuple[str, ...], Parameters]]:
    """Two contexts, files, a dataset and a model; gives what commands there are."""
    (folder / "omcore.toml").write_text(
        "default_context = 'dev'\n[contexts.dev]\nstorage = { durability = 'process' }\n"
        "[contexts.prod]\nextends = 'dev'\npromotion = { models = ['trained'] }"
    )
    (folder / "data.csv").write_text("x,y\n1,2\n3,4\n")
    (folder / "data.json").write_text('{"a": [1, 2]}')
    for line in (
        ["datasets", "put", "data.csv", "sales"],
        ["models", "put", "sklearn.linear_model:Ridge", "m"],
    ):
        assert run(line).exit_code == 0, run(line).output
    return list(commands(cli))


def test_every_command_line_ends_in_order(populated: list[tuple[tuple[str, ...], Parameters]], scale: int) -> None:
    codes: Counter[int] = Counter()

    @many(LINES * scale)
    @given(line=lines(populated))
    @example(line=[])
    @example(line=["--json"])
    @example(line=["datasets", "get", "a\x00b"])
    @example(line=["datasets", "put", "x" * 500, "sales"])
    @example(line=["datasets", "get", "sales", "-o", "x" * 500 + ".csv"])
    @example(line=["datasets", "get", "sales", "-o", "x" * 250 + ".csv"])
    def every_line_ends_in_order(line: list[str]) -> None:
        result = run(line)
        codes[result.exit_code] += 1
        assert faults(result, line) == []

    every_line_ends_in_order()
    assert codes[0] > LINES // 20, "hardly any line made sense, so hardly anything was tried"
    assert codes[2] > LINES // 20, "hardly any line was a mistake, so hardly anything was tried"


# --- configurations

KEYS = [
    *DEFAULTS,
    *("extends", "default_context", "contexts", "backend", "url", "path", "workers", "types", "keys", "allow", "deny"),
    *("wait", "timeout", "models", "datasets", "policy", "env", "file", "gpu", "dev", "prod", "nonsense", "a.b", ""),
]
BACKENDS = ["embedded", "memory", "local", "mongo", "celery", "embeded", "", "../x", "trained", "copy", "dev", "prod"]
scalars = (
    st.sampled_from(BACKENDS)
    | st.text(max_size=8)
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.booleans()
    | st.sampled_from([1, 0, "x" * 500, "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")])
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=10,
)
tables = st.dictionaries(st.sampled_from(KEYS), trees, max_size=5)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("NaN", "nan").replace("Infinity", "inf")


def document(default: Any, contexts: Mapping[str, Any], rest: Mapping[str, Any]) -> str:
    top = {**rest, **({} if default is None else {"default_context": default})}
    body = [f"{toml(key)} = {toml(value)}" for key, value in top.items() if key != "contexts"]
    for name, table in contexts.items():
        body += [f"[contexts.{toml(name)}]", *(f"{toml(key)} = {toml(value)}" for key, value in table.items())]
    return "\n".join(body)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """The file that `om init` writes, all of it in force, with a few faults."""
    text = TEMPLATE.replace("# [", "[").replace("# extends", "extends").replace("# storage", "storage")
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(begin + 30, len(text))))
        text = text[:begin] + draw(st.sampled_from(["", text[begin:end] * 2]) | st.text(max_size=5)) + text[end:]
    return text


names = st.sampled_from(["dev", "prod", "Dev", "default", "a b", "..", "x" * 80])
documents = (
    st.builds(
        document,
        st.none() | names | trees,
        st.dictionaries(names, tables, max_size=3),
        st.just({}) | st.dictionaries(st.sampled_from(KEYS), trees, max_size=2),
    ).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | mutants().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=40)
)
variables = st.dictionaries(
    st.sampled_from(["OMCORE_CONTEXT", "OMCORE_CONFIG"])
    | st.lists(st.sampled_from(["STORAGE", "BACKEND", "URL", "TASKS", "WAIT", "LABELS", "X", ""]), max_size=3).map(
        lambda parts: "OMCORE__" + "__".join(parts)
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
    | trees.map(lambda tree: json.dumps(tree)),
    max_size=2,
)
asked = st.sampled_from([["config"], ["config", "--json"], ["contexts"], ["plugins"], ["--context", "prod", "config"]])


def test_every_configuration_is_shown_or_refused_in_order(folder: Path, scale: int) -> None:
    @many(CONFIGURATIONS * scale)
    @given(content=documents, env=variables, line=asked)
    def every_configuration_ends_in_order(content: bytes, env: dict[str, str], line: list[str]) -> None:
        Path("omcore.toml").write_bytes(content)
        assert faults(run(line, env), line) == []

    every_configuration_ends_in_order()

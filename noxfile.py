"""Every check of the workspace: `nox` runs those of every day, the quick ones first; `nox -l` lists them all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
CODE = ["omcore/src", "tests", "benchmarks", "plugins", "noxfile.py", "conftest.py"]
SETTINGS = nox.project.load_toml("pyproject.toml")
ALL_CORES = ["-n", "logical", "--dist", "worksteal", "--durations", "15"]


def packages(folder: str) -> list[str]:
    """The folders in `folder` that hold a package, by name; those that begin with `_` or `.` are none."""
    found = sorted(path.parent for path in Path(folder).glob("*/pyproject.toml"))
    return [path.name for path in found if not path.name.startswith(("_", "."))]


def add_pyenv_to_path() -> None:
    """Let nox find interpreters that pyenv installed but did not select: their shims answer with an error."""
    found = [path for version in PYTHONS for path in Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin")]
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, found)])


def install(session: nox.Session, *requirements: str, group: str = "test") -> None:
    """Install the core as it lies here, the tools of one group, and what else a session needs."""
    session.install("-e", "./omcore[testing]", *nox.project.dependency_groups(SETTINGS, group), *requirements)


def install_built(session: nox.Session, *folders: str) -> None:
    """Install packages as their users do, built anew from their folders; uv would take what it built before."""
    projects = [nox.project.load_toml(f"{folder.partition('[')[0]}/pyproject.toml")["project"] for folder in folders]
    again = [f"--reinstall-package={project['name']}" for project in projects] if session.venv_backend == "uv" else []
    session.install(*again, *folders)


PLUGINS = [word for name in packages("plugins") for word in ("-e", f"./plugins/{name}")]
add_pyenv_to_path()
nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    *("lint", "types", *dict.fromkeys((f"tests-{HERE}", f"tests-{PYTHONS[-1]}"))),
    *("tests_pandas2", "plugin", "thirdparty", "demo"),
]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and form of every Python file."""
    session.install(*nox.project.dependency_groups(SETTINGS, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    install(session, *PLUGINS, group="types")
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The core's tests; `nox` runs them here and on the newest Python, those marked slow only here."""
    install(session)
    session.run("pytest", *ALL_CORES, *([] if session.python == HERE else ["-m", "not slow"]), *session.posargs)


@nox.session
def tests_pandas2(session: nox.Session) -> None:
    """With pandas 2.2, the tests of all that makes or reads a frame."""
    install(session, "pandas==2.2.*")
    frames = [f"tests/core/{folder}" for folder in ("codecs", "objects", "partitioned")]
    session.run("pytest", *ALL_CORES, "-m", "not slow", *(session.posargs or frames))


@nox.session
@nox.parametrize("name", packages("plugins"), ids=packages("plugins"))
def plugin(session: nox.Session, name: str) -> None:
    """The tests of one plugin, from the folder `plugins/`."""
    install(session, "-e", f"./plugins/{name}")
    session.run("pytest", *ALL_CORES, f"plugins/{name}/tests", *session.posargs)


@nox.session
@nox.parametrize("name", packages("tests/thirdparty"), ids=packages("tests/thirdparty"))
def thirdparty(session: nox.Session, name: str) -> None:
    """The tests of a package as a stranger writes it: installed, never imported by path."""
    install_built(session, "./omcore[testing]", f"./tests/thirdparty/{name}")
    session.run("pytest", f"tests/thirdparty/{name}/tests", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on real data, from a wheel, with nothing but the core."""
    install_built(session, "./omcore")
    session.run("om", "demo", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Every code block of the documents; `tests` runs these as well."""
    install(session)
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The measurements: `nox -s bench -- --help` says how to choose among them."""
    install(session, *PLUGINS)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def torture(session: nox.Session) -> None:
    """The core's tests at ten times their usual length."""
    install(session)
    session.run("pytest", *ALL_CORES, "--torture", *session.posargs)


@nox.session(default=False)
def changelog(session: nox.Session) -> None:
    """Gather the fragments of `changelog.d/` into CHANGELOG.md: `nox -s changelog -- --version 0.2.0`."""
    session.install("towncrier>=24.8")
    session.run("towncrier", "build", *session.posargs)


if __name__ == "__main__":
    nox.main()

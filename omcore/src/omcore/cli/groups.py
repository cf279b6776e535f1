"""The commands of `om`: where each is, and what `om --help` says of it, so that listing them imports none.

To add one, write it as a `click` command or group in a module of this package and add a line here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is imported when it is called.

    Attributes:
        target: `module:attribute`.
        help: one line.
    """

    target: str
    help: str


GROUPS = {
    "completion": Entry("omcore.cli.completion:completion", "The script that completes om in bash or zsh."),
    "config": Entry("omcore.cli.config:config", "What is in force, and where each value came from."),
    "contexts": Entry("omcore.cli.contexts:contexts", "The contexts that the configuration defines."),
    "datasets": Entry("omcore.cli.stores:datasets", "Keep frames, arrays, files and other data."),
    "demo": Entry("omcore.cli.demo:demo", "The main job on real data, from CSV to production."),
    "doctor": Entry("omcore.cli.doctor:doctor", "Open everything a context names and say what is broken."),
    "init": Entry("omcore.cli.init:init", "Write a commented omcore.toml."),
    "gc": Entry("omcore.cli.gc:gc", "Delete the bytes that no version needs any more."),
    "jobs": Entry("omcore.cli.stores:jobs", "Keep notebooks."),
    "migrate": Entry("omcore.cli.migrate:migrate", "Copy all objects, with all versions, to another context."),
    "models": Entry("omcore.cli.stores:models", "Keep estimators and pipelines."),
    "plugins": Entry("omcore.cli.plugins:plugins", "What is installed, from which package, in which state."),
    "runtime": Entry("omcore.cli.runtime:runtime", "Run actions on stored objects, and look after the tasks."),
    "scripts": Entry("omcore.cli.stores:scripts", "Keep Python modules and packages."),
}

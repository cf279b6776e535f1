"""The options that every command takes, before and after its name: `--context`, `--bucket`, `--json`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from omcore.config import ContextSettings
    from omcore.omega import Omega

_META = "omcore.cli."


class Seconds(click.FloatRange):
    """A number of seconds; what is no number is the user's mistake, as is what is no time."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; click itself takes `nan` to be in any range."""
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


class FilePath(click.Path):
    """The path of a file or a folder that need not exist. What can be no path is the user's mistake."""

    name = "path"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; click itself would let the operating system's error out."""
        if "\0" in str(value):
            self.fail(f"{str(value)!r} is no path, because it holds a NUL character", param, ctx)
        path = super().convert(value, param, ctx)
        try:
            Path(str(path)).exists()
        except OSError as error:  # too long a name, for example
            self.fail(f"{one_line(str(value), 100)!r} is no path: {error.strerror}", param, ctx)
        return path


@dataclass(frozen=True, slots=True)
class Session:
    """What the common options say, and what follows from it.

    Attributes:
        context: the context's name; `None` for the default.
        bucket: the bucket's name; `None` for the default.
        json: print JSON, for programs.
    """

    context: str | None = None
    bucket: str | None = None
    json: bool = False

    def settings(self) -> ContextSettings:
        """What is in force for the context; raises as `load_settings` does."""
        from omcore.config import load_settings

        return load_settings(context=self.context)

    def omega(self, context: str | None = None) -> Omega:
        """The bucket, ready to use; it is closed when the command ends.

        Args:
            context: another context than that of the options, for example the target of a promotion.
        """
        import omcore

        omega = omcore.setup(self.context if context is None else context, bucket=self.bucket)
        return click.get_current_context().with_resource(omega)


def session() -> Session:
    """What the common options of the command that is running say; the ones nearest to the end of the line count."""
    meta = click.get_current_context().meta
    return Session(meta.get(f"{_META}context"), meta.get(f"{_META}bucket"), bool(meta.get(f"{_META}json")))


def take_common_options(command: click.Command) -> click.Command:
    """Let a command take the common options, and all commands below it; doing so twice is harmless."""
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params.extend(option for option in _common_options() if not taken.intersection(option.opts))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            take_common_options(below)
    return command


def _common_options() -> list[click.Option]:
    return [
        click.Option(
            ["--context", "context_"],
            metavar="NAME",
            help="The context; else OMCORE_CONTEXT, else the default of omcore.toml.",
            expose_value=False,
            callback=_remember,
            shell_complete=_complete_context,
        ),
        click.Option(
            ["--bucket", "bucket_"],
            metavar="NAME",
            help="The bucket; else omega.",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--json", "json_"],
            is_flag=True,
            default=None,
            help="Print JSON, for programs.",
            expose_value=False,
            callback=_remember,
        ),
    ]


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.meta[f"{_META}{str(parameter.name).rstrip('_')}"] = value


def _complete_context(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Sequence[CompletionItem]:  # noqa: ARG001 - the form that click calls
    from click.shell_completion import CompletionItem

    from omcore.config import load_file
    from omcore.errors import OmError

    try:
        names = load_file().contexts
    except OmError:  # the command itself will say so; a completion has nowhere to
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]

"""The command line: `om`. Commands are imported when they are called, never to list them."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.failures import logs_in_one_line, one_sentence
from omcore.cli.groups import GROUPS
from omcore.cli.options import take_common_options
from omcore.sentences import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.shell_completion import CompletionItem

    from omcore.cli.groups import Entry

__all__ = ["Root", "cli", "main"]


class Root(click.Group):
    """`om` itself: finds its commands in a table, and lets errors out as one sentence."""

    def __init__(self, entries: Mapping[str, Entry], **attributes: Any) -> None:
        super().__init__("om", **attributes)
        self.entries = entries

    # --- lazy commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the table."""
        return sorted({*super().list_commands(ctx), *self.entries})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        if cmd_name in self.entries:
            return take_common_options(pkgutil.resolve_name(self.entries[cmd_name].target))
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with, or say which one is near."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            advice = near(args[0], self.list_commands(ctx))
            ctx.fail(f"there is no command {args[0]!r}; {advice}".rstrip("; "))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's form
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in sorted(self.entries.items())])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names in the table, or an option."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=entry.help)
            for name, entry in sorted(self.entries.items())
            if name.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    # --- errors

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the options of `om` itself."""
        with one_sentence():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with logs_in_one_line(), one_sentence():
            return super().invoke(ctx)


def _make() -> Root:
    help_ = "Keep datasets and models in one place, run them anywhere, promote them to production."
    root = Root(GROUPS, help=help_, context_settings={"help_option_names": ["-h", "--help"]})
    take_common_options(root)
    click.version_option(package_name="omcore", prog_name="om", message="%(prog)s %(version)s")(root)
    return root


cli = _make()
"""The command `om`, for those who run it inside a process of theirs."""


def main() -> None:
    """What the script `om` calls."""
    cli(prog_name="om")

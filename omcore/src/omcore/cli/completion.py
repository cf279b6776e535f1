"""`om completion`: what a shell needs to complete `om`."""

from __future__ import annotations

import click


@click.command(short_help="The script that completes om in bash or zsh.")
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
def completion(shell: str) -> None:
    """Print the script that completes om.

    For bash, add this to ~/.bashrc: eval "$(om completion bash)"

    For zsh, add this to ~/.zshrc: eval "$(om completion zsh)"
    """
    from click.shell_completion import get_completion_class

    from omcore.cli import cli

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion is known for {shell}")
    click.echo(script(cli, {}, "om", "_OM_COMPLETE").source())
